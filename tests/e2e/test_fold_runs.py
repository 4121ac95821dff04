"""A run of two folds, killed in the second; every step is a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from driver import REPOSITORY, Result, command, maskline

pytestmark = pytest.mark.slow

SETTINGS = {
    "folds.k": "2",
    "data.height": "32",
    "data.width": "32",
    "data.groups": r"{by='pattern', pattern='(p\d+)_'}",
    "model.parameters": '{levels=3, base_filters=4, normalisation="batch"}',
    "augmentation.copies": "0",
    "training.epochs": "16",
    "training.learning_rate": "1e-2",
    "evaluation.min_dice": "0",
    "validation.min_groups": "1",
}
FOLDS = [f"{node}-fold-{number}" for node in ("Trainer", "Evaluator") for number in (1, 2)]


def arguments(data: Path, out: Path, **changes: str) -> list[object]:
    values = {**SETTINGS, **{key.replace("__", "."): value for key, value in changes.items()}}
    sets = [part for key, value in values.items() for part in ("--set", f"{key}={value}")]
    return ["run", "folders", "--data", data, "--out", out, "--json", *sets]


def children(pid: int) -> list[int]:
    """The processes of trainings that a process has started."""
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, task.read_text().split()):
            if b"components.trainer.fold" in Path(f"/proc/{child}/cmdline").read_bytes():
                found.append(child)
    return found


def wait_for(what: Callable[[], object], seconds: float = 240) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.1)


def in_training(out: Path, run: subprocess.Popen[bytes], number: int) -> bool:
    assert run.poll() is None, "the run has ended"
    runs = out / f"artifacts/Trainer-fold-{number}/model_run"
    return bool(children(run.pid)) and any(runs.glob("*/history.csv"))


@pytest.fixture(scope="module")
def data(write_pairs: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_pairs(tmp_path_factory.mktemp("source") / "discs", patients=24)


@pytest.fixture(scope="module")
def out(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run that was killed while the second fold was trained."""
    out = tmp_path_factory.mktemp("folds") / "out"
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    run = subprocess.Popen(command(*arguments(data, out)), cwd=REPOSITORY, env=environment, stdout=subprocess.DEVNULL)
    wait_for(lambda: in_training(out, run, 2))
    [child] = children(run.pid)
    run.send_signal(signal.SIGKILL)
    run.wait()
    # It must not go on training beside the next run.
    wait_for(lambda: not Path(f"/proc/{child}/cmdline").exists() or not Path(f"/proc/{child}/cmdline").read_bytes(), 30)
    return out


@pytest.fixture(scope="module")
def resumed(data: Path, out: Path) -> Result:
    result = maskline(*arguments(data, out))
    assert result.code == 0, result.record["reasons"]
    return result


def test_a_run_that_was_killed_goes_on_with_the_fold_in_which_it_was(resumed: Result) -> None:
    assert {node: resumed.states[node] for node in FOLDS} == {
        "Trainer-fold-1": "cached",
        "Trainer-fold-2": "ran",
        "Evaluator-fold-1": "ran",
        "Evaluator-fold-2": "ran",
    }


def test_the_record_the_manifest_and_the_report_say_what_is_served(resumed: Result) -> None:
    record = resumed.record
    table, pooled = record["folds"]["table"], record["folds"]["pooled"]
    assert [row["fold"] for row in table] == [1, 2]
    counts = record["counts"]["records"]
    assert [row["cases"] for row in table] == [counts["fold-1"], counts["fold-2"]]
    assert pooled["cases"] == counts["fold-1"] + counts["fold-2"]
    assert list(record["metrics"]) == ["test"]
    manifest = json.loads((Path(record["pushed"]["path"]) / "MANIFEST.json").read_text())
    assert (manifest["members"], manifest["config"]["folds"]) == (2, {"k": 2})
    report = Path(record["report"]).read_text()
    assert "The model is the ensemble of 2 models" in report
    assert f"{pooled['dice']['mean']:.3f}" in report


def test_a_changed_limit_trains_and_measures_no_fold_again(data: Path, out: Path, resumed: Result) -> None:
    refused = maskline(*arguments(data, out, evaluation__min_dice="1"))
    assert refused.code == 3, refused.record["reasons"]
    assert {refused.states[node] for node in [*FOLDS, "Ensemble"]} == {"cached"}
    assert refused.states["Evaluator"] == "ran"


def test_another_threshold_asks_no_model_again(data: Path, out: Path, resumed: Result) -> None:
    states = maskline(*arguments(data, out, inference__threshold="0.4")).states
    asked = [f"{node}-fold-{number}" for node in ("Trainer", "BulkInferrer") for number in (1, 2)]
    assert {states[node] for node in [*asked, "Ensemble", "BulkInferrer"]} == {"cached"}
    assert {states[node] for node in ("Evaluator-fold-1", "OutOfFold", "Calibrator", "Evaluator")} == {"ran"}


def test_a_fold_that_has_collapsed_refuses_the_candidate_by_name(data: Path, out: Path, resumed: Result) -> None:
    refused = maskline(*arguments(data, out, training__epochs="1", training__learning_rate="1e-5"))
    assert refused.code == 3, refused.record["reasons"]
    collapsed = [reason for reason in refused.record["reasons"] if reason.startswith("fold ")]
    faults = [fault for row in refused.record["folds"]["table"] for fault in row["faults"]]
    assert collapsed == faults
    assert all("collapsed: its model predicts " in reason for reason in collapsed)
    assert collapsed
    assert f"✕ {collapsed[0]}" in Path(refused.record["report"]).read_text()
    assert refused.record["pushed"] is None
