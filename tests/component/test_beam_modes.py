"""Whatever Beam does with the shards, the records are the same bit for bit, and a loss does not go unseen."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import tensorflow as tf
from ingest import Made, box, film, ingest, save

from components.example_gen import executor
from components.example_gen.shards import Shard, WriteShard
from components.parallel import THREADS
from pipeline.config.execution import Execution
from pipeline.graph.beam import beam_arguments

DATA = {"layout": "folders", "height": 24, "width": 32, "tiles": {"overlap": 4, "keep_empty": 0.5}}
IMAGES = 60


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Enough images for several shards, one of them without a mask, another cut short."""
    root = tmp_path_factory.mktemp("source") / "data"
    for number in range(IMAGES):
        save(root / f"images/{number}.png", film(number))
        save(root / f"masks/{number}.png", 255 * box(number % 20, 8, 30, 30))
    (root / "masks/7.png").unlink()
    (root / "images/9.png").write_bytes((root / "images/9.png").read_bytes()[:300])
    return root


@pytest.fixture(scope="module")
def usual(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Made:
    """One thread in one process."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv(THREADS, "1")
        return ingest(root, tmp_path_factory.mktemp("usual"), **DATA)


def files(made: Made) -> dict[str, bytes]:
    folder = Path(made.examples.uri)
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_several_shards_hold_all_that_the_account_says(usual: Made) -> None:
    shards = [name for name in files(usual) if name.startswith("Split-train/")]
    assert len(shards) > 1
    assert usual.account["sources"] == IMAGES
    assert {source: kind for source, (kind, _) in usual.rejects.items()} == {
        **{"images/7.png": "pairing", "images/9.png": "unreadable"},
    }
    # 48 x 64 pixels in tiles of 24 x 32 that overlap by 4 pixels: three rows, three columns.
    assert len(usual.records) + usual.account["empty_tiles_dropped"] == 9 * (IMAGES - 2)
    assert usual.account["empty_tiles_dropped"] > 0


@pytest.mark.parametrize(
    ("threads", "arguments"),
    [
        ("", beam_arguments(Execution())),
        ("3", ["--direct_running_mode=in_memory"]),
        ("2", ["--direct_running_mode=multi_threading", "--direct_num_workers=2"]),
        ("1", beam_arguments(Execution(workers=2, parallel="processes"))),
    ],
    ids=["default", "in_memory", "multi_threading", "multi_processing"],
)
def test_every_mode_writes_the_same_files(
    root: Path, usual: Made, threads: str, arguments: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(THREADS, threads)
    # Without an image TFX would build a package of itself to send to the workers.
    made = ingest(root, tmp_path, [*arguments, "--sdk_container_image=unused"], **DATA)
    assert files(made) == files(usual)


class LosesAShard(WriteShard):
    """As a runner that drops an element."""

    def process(self, shard: Shard) -> Iterator[str]:
        outcomes = list(super().process(shard))
        yield from outcomes if shard.split != "test" else []


class DoesAShardTwice(WriteShard):
    """As a runner that hands an element out again."""

    def process(self, shard: Shard) -> Iterator[str]:
        yield from super().process(shard)
        if shard.split == "test":
            yield from super().process(shard)


class LosesARecord(WriteShard):
    """As a disk or a writer that keeps less than it was given."""

    def process(self, shard: Shard) -> Iterator[str]:
        yield from super().process(shard)
        if shard.split == "test":
            path = f"{self._output}/Split-{shard.split}/{shard.name}"
            kept = list(tf.data.TFRecordDataset(path).as_numpy_iterator())[1:]
            with tf.io.TFRecordWriter(path) as writer:
                for record in kept:
                    writer.write(record)


class MovesARecord(WriteShard):
    """As many records as there should be, but one of them in another split."""

    def process(self, shard: Shard) -> Iterator[str]:
        for number, line in enumerate(super().process(shard)):
            outcome = json.loads(line)
            moved = shard.split == "test" and number == 0
            yield json.dumps({**outcome, "split": "eval" if moved else outcome["split"]})


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (LosesAShard, r"59 samples went into Beam, \d+ came out"),
        (DoesAShardTwice, r"59 samples went into Beam, \d+ came out"),
        (LosesARecord, "records made, by split: .*; records found in the files"),
        (MovesARecord, "records made, by split: .*; records found in the files"),
    ],
)
def test_a_loss_is_an_error_and_leaves_no_account(
    root: Path, fault: type[WriteShard], message: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(executor, "WriteShard", fault)
    with pytest.raises(RuntimeError, match=message):
        ingest(root, tmp_path / "out", **{**DATA, "splits": {"train": 2, "eval": 1, "test": 1}})
    assert not (tmp_path / "out" / "account.json").exists()
