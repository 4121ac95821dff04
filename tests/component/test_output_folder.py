"""Runs in one output folder whose disk is full, and whose files were damaged, in this order: each takes seconds."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from room import no_file_above

from components.disk import DiskFull
from components.errors import UsageError
from pipeline.config.loader import load_config
from pipeline.runs.folders import list_runs
from pipeline.runs.launch import launch
from pipeline.runs.outputs import DamagedOutput
from pipeline.runs.record import RunRecord, Step

FIRST, SECOND = "ImageMaskExampleGen", "StatisticsGen"
SHARD = "Split-train/data_tfrecord-00000-of-00001"


@pytest.fixture(scope="module")
def data(write_pairs: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_pairs(tmp_path_factory.mktemp("pairs") / "data", patients=12)


def run(data: Path, out: Path, to: str = FIRST) -> dict[str, Step]:
    """The steps of a run up to a node."""
    settings = ["data.height=256", "data.width=256", "data.groups.by=pattern", "data.groups.pattern=(p\\d+)_"]
    record: RunRecord = launch("folders", load_config("folders", settings), data, out, None, to, silent=True)
    return {step.id: step for step in record.steps}


@pytest.fixture(scope="module")
def full(data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """An output folder without room for the records, and what was said of it."""
    out = tmp_path_factory.mktemp("full") / "out"
    with no_file_above(400_000), pytest.raises(DiskFull) as refusal:
        run(data, out)
    return out, str(refusal.value)


def test_a_full_disk_is_named(full: tuple[Path, str]) -> None:
    out, said = full
    assert said.startswith(f"disk full: {out}: ")
    [record] = list_runs(out)
    assert (record.status, record.exit_code, record.reasons) == ("disk full", 1, [said])
    assert (record.steps[-1].id, record.steps[-1].reason) == (FIRST, said)
    assert not list(out.glob(f"artifacts/{FIRST}/examples/*"))


@pytest.fixture(scope="module")
def finished(full: tuple[Path, str], data: Path) -> Path:
    """The same folder once there is room, and the same command was given."""
    out, _ = full
    assert run(data, out)[FIRST].state == "ran"
    return out


def shard(out: Path) -> Path:
    [path] = out.glob(f"artifacts/{FIRST}/examples/*/{SHARD}")
    return path


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def test_a_damaged_artifact_is_named_and_made_again(data: Path, finished: Path) -> None:
    path = shard(finished)
    before = path.read_bytes()
    flip(path)
    step = run(data, finished)[FIRST]
    assert (step.state, step.reason) == ("ran", f"its output examples/{path.parts[-3]}/{SHARD} is damaged")
    assert shard(finished).read_bytes() == before


def test_a_damaged_store_ends_a_run_before_it_begins_and_its_remedy_helps(data: Path, finished: Path) -> None:
    store, runs = finished / "metadata.sqlite", len(list(list_runs(finished)))
    os.truncate(store, 20_000)
    with pytest.raises(UsageError, match=r"metadata\.sqlite: .*Delete it"):
        run(data, finished)
    assert len(list(list_runs(finished))) == runs
    # In the folders of artifacts that no store knows new shards would be read with the old ones.
    left = shard(finished).with_name("data_tfrecord-00001-of-00002")
    shutil.copyfile(shard(finished), left)
    store.unlink()
    assert run(data, finished)[FIRST].reason == "no finished run before"
    assert shard(finished).is_file()
    assert not left.exists()


@pytest.mark.slow
def test_a_bit_that_flips_by_itself_ends_the_node_that_reads_it_and_is_gone_in_the_next_run(
    data: Path, finished: Path
) -> None:
    run(data, finished, SECOND)
    path = shard(finished)
    time = path.stat().st_mtime_ns
    flip(path)
    os.utime(path, ns=(time, time))
    for statistics in finished.glob(f"artifacts/{SECOND}/statistics/[!.]*"):
        shutil.rmtree(statistics)
    with pytest.raises(DamagedOutput, match=f"{path} is damaged: it is not what {FIRST} has written"):
        run(data, finished, SECOND)
    failed = list(list_runs(finished))[-1]
    assert str(path) in failed.steps[-1].reason
    assert failed.exit_code == 1
    steps = run(data, finished, SECOND)
    assert steps[FIRST].reason.endswith(f"{SHARD} is damaged")
    assert {step.state for step in run(data, finished, SECOND).values()} == {"cached"}
