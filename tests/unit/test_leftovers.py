"""What killed runs leave is pruned, and nothing else."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from pipeline.runs.leftovers import artifact_of, prune

HEX = "0123456789abcdef" * 2
KEPT = [
    "metadata.sqlite",
    "schedule.jsonl",
    f".schedule.jsonl.{HEX}",
    "data/mdb001.pgm",
    "serving/1/saved_model.pb",
    "runs/2/run.json",
    "runs/2/.mine",
    "artifacts/Trainer/model/8/saved_model.pb",
    "artifacts/Trainer/model/.8.json",
    "artifacts/Trainer/nonfinite_batch_epoch1_step1.npz",
    "artifacts/Trainer/model/notes/9",
    "artifacts/Trainer/model/9",
    "artifacts/notes/model/9/text",
    f"artifacts/Trainer/checkpoint-{HEX[:16]}/1.npz",
    "artifacts/Trainer/checkpoint-mine/1.npz",
]
PRUNED = [
    "artifacts/Trainer/model/10/half",
    "artifacts/Trainer/model/.10.json",
    "artifacts/Trainer/model_run/8/half",
    "artifacts/Trainer/.system/executor_execution/10/.temp/x",
    "artifacts/Trainer/.system/stateful_working_dir/0f/x",
    f"runs/2/.run.json.{HEX}",
    f"schemas/.a.pbtxt.{HEX}",
    f"artifacts/Trainer/checkpoint-{HEX[:16]}/.1.npz.{HEX}",
]


@pytest.fixture
def out(tmp_path: Path) -> Path:
    for name in (*KEPT, *PRUNED):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path


def test_half_outputs_go_and_all_else_stays(out: Path) -> None:
    prune(out, {("Trainer", "model", "8")})
    assert {str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()} == set(KEPT)


def test_of_a_node_the_newest_checkpoint_stays_for_two_weeks(tmp_path: Path) -> None:
    node, day = tmp_path / "artifacts" / "Trainer", 24 * 3600
    folders = {age: node / f"checkpoint-{age:016x}" for age in (13, 15, 16)}
    for age, folder in folders.items():
        folder.mkdir(parents=True)
        (folder / "1.npz").touch()
        os.utime(folder, (time.time() - age * day,) * 2)
    prune(tmp_path, set())
    assert list(node.iterdir()) == [folders[13]]
    os.utime(folders[13], (time.time() - 14.1 * day,) * 2)
    prune(tmp_path, set())
    assert not list(node.iterdir())


def test_a_link_of_a_person_leads_to_no_loss(out: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "model").touch()
    (out / "artifacts" / "Trainer" / "model" / "11").symlink_to(elsewhere)
    prune(out, set())
    assert (elsewhere / "model").exists()


def test_a_folder_that_was_moved_keeps_what_its_store_names() -> None:
    assert artifact_of(Path("/elsewhere/artifacts/Trainer/model/8")) == ("Trainer", "model", "8")


def test_an_empty_folder_is_no_matter(tmp_path: Path) -> None:
    prune(tmp_path, set())
