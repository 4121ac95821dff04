"""Beam's engines try a bundle again, also while another try goes on: there is one whole shard in the end."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from ingest import box, film, ingest, save
from tfx.types import Artifact, standard_artifacts

from components.augmentor import shards as augmentor
from components.augmentor.executor import Executor as Augmentor
from components.example_gen import shards as example_gen
from components.example_gen.listing import list_samples
from components.example_gen.settings import DataSettings
from components.example_gen.shards import Shard
from components.imaging.augmentation.settings import Augmentation
from components.parallel import THREADS
from components.records.splits import SPLITS
from components.records.tfexample import record_count, shard_name, split_files

DATA = {"layout": "folders", "height": 48, "width": 64}
COPIES = Augmentation.model_validate({"copies": 1, "horizontal_flip": 1.0})
IMAGES = 12
WORK = {"WriteShard": (example_gen, "outcome_of"), "AugmentShard": (augmentor, "with_copies")}
"""What is called for every item of a bundle."""


@dataclass(frozen=True)
class Node:
    """Kind of bundle, its data, and the Examples that Augmentor reads."""

    kind: str
    root: Path
    examples: Path

    def attempt(self, folder: Path) -> None:
        """One attempt of the bundle that makes the first training shard of a folder."""
        folder.mkdir(exist_ok=True)
        if self.kind == "WriteShard":
            data = DataSettings(**DATA)
            shard = Shard("train", shard_name(0, 1), tuple(list_samples(self.root, data).samples))
            list(example_gen.WriteShard(str(self.root), str(folder), data).process(shard))
        else:
            [shard_file] = split_files(str(self.examples), "train")
            augmentor.AugmentShard(str(folder), COPIES).process(("train", shard_file))

    def run(self, folder: Path) -> None:
        """The node as a whole."""
        folder.mkdir(exist_ok=True)
        if self.kind == "WriteShard":
            ingest(self.root, folder, **DATA)
        else:
            settings = {"settings": COPIES.model_dump_json()}
            inputs, outputs = {"examples": [artifact(self.examples)]}, {"augmented_examples": [artifact(folder)]}
            Augmentor().Do(inputs, outputs, settings)


def artifact(folder: Path) -> Artifact:
    made = standard_artifacts.Examples()
    made.uri = str(folder)
    return made


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("source")
    for number in range(IMAGES):
        save(root / f"images/{number}.png", film(number))
        save(root / f"masks/{number}.png", 255 * box(number, 8, 30, 30))
    return root


@pytest.fixture(scope="module")
def examples(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(ingest(root, tmp_path_factory.mktemp("examples"), **DATA).examples.uri)


@pytest.fixture(params=WORK)
def node(request: pytest.FixtureRequest, root: Path, examples: Path, monkeypatch: pytest.MonkeyPatch) -> Node:
    # An attempt does one item after the other.
    monkeypatch.setenv(THREADS, "1")
    return Node(request.param, root, examples)


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def before_each_item(node: Node, patch: pytest.MonkeyPatch, call: Callable[[], Any]) -> None:
    module, name = WORK[node.kind]
    work = getattr(module, name)

    def called(*arguments: Any, **keywords: Any) -> Any:
        call()
        return work(*arguments, **keywords)

    patch.setattr(module, name, called)


def on_the_third(act: Callable[[], Any]) -> Callable[[], Any]:
    calls = iter(range(IMAGES))
    return lambda: act() if next(calls) == 2 else None


def test_two_attempts_at_once_leave_the_shard_of_one(
    node: Node, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    node.attempt(tmp_path / "one")
    # Neither begins an item before the other does: both are in the middle of their files.
    before_each_item(node, monkeypatch, Barrier(2, timeout=30).wait)
    with ThreadPoolExecutor(2) as engine:
        list(engine.map(node.attempt, [tmp_path / "two"] * 2))
    assert files(tmp_path / "two") == files(tmp_path / "one")
    assert list(files(tmp_path / "two")) == [f"Split-train/{shard_name(0, 1)}"]
    assert record_count(str(tmp_path / "two"), "train") > 2


def test_an_attempt_that_fails_takes_its_own_file_along_and_no_other(
    node: Node, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    node.attempt(tmp_path)
    whole = files(tmp_path)

    def lose_the_disk() -> None:
        raise OSError("the disk is gone")

    before_each_item(node, monkeypatch, on_the_third(lose_the_disk))
    with pytest.raises(OSError, match="the disk is gone"):
        node.attempt(tmp_path)
    assert files(tmp_path) == whole


def attempt_until_killed(node: Node, folder: Path) -> None:
    before_each_item(node, pytest.MonkeyPatch(), on_the_third(lambda: os._exit(9)))
    node.attempt(folder)


def test_what_a_killed_attempt_leaves_is_no_shard_and_goes_with_the_end_of_the_node(node: Node, tmp_path: Path) -> None:
    killed = multiprocessing.get_context("spawn").Process(target=attempt_until_killed, args=(node, tmp_path / "killed"))
    killed.start()
    killed.join()
    assert killed.exitcode == 9
    assert len(files(tmp_path / "killed")) == 1
    assert [split_files(str(tmp_path / "killed"), split) for split in SPLITS] == [[], [], []]
    node.run(tmp_path / "killed")
    node.run(tmp_path / "undisturbed")
    assert files(tmp_path / "killed") == files(tmp_path / "undisturbed")
