"""`run.json`: its keys, which scripts rely on, its reader, and what people are told of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from components.errors import ExitCode, UsageError
from components.files import read_json
from pipeline.runs.conclusion import conclusion
from pipeline.runs.folders import find_run
from pipeline.runs.record import RUN_FILE, RunRecord, read_run, write_run

GOLDEN: dict[str, dict[str, Any]] = read_json(Path(__file__).parents[1] / "golden" / "runs.json")
"""By what became of it, what a run of version 0.1.0 wrote before the record had a type; cut short inside `steps`,
`versions` and `config`."""

TEST = "Test: mean foreground Dice 0.588 (95 % CI 0.222 to 0.732), 4 cases"
EMPTY = "; something was predicted in 2 of 2 cases without foreground"


@pytest.fixture
def run_dir(tmp_path: Path) -> Path:
    folder = tmp_path / "demo" / "runs" / "1"
    folder.mkdir(parents=True)
    return folder


def written(run_dir: Path, content: Any) -> Path:
    (run_dir / RUN_FILE).write_text(json.dumps(content))
    return run_dir


@pytest.mark.parametrize("ending", GOLDEN)
def test_a_record_is_read_and_written_with_the_keys_and_values_that_it_had(run_dir: Path, ending: str) -> None:
    record = read_run(written(run_dir, GOLDEN[ending]))
    assert record.as_json() == {**GOLDEN[ending], "folder": str(run_dir)}
    write_run(run_dir, RunRecord.model_validate(GOLDEN[ending]))
    assert read_json(run_dir / RUN_FILE) == GOLDEN[ending]


@pytest.mark.parametrize("ending", ["done", "refused by the evaluation"])
def test_the_keys_of_a_run_that_came_to_its_end_stand_where_they_stood(ending: str) -> None:
    given = GOLDEN[ending]
    assert json.dumps(RunRecord.model_validate(given).as_json()) == json.dumps(given)


@pytest.mark.parametrize("ending", ["refused by the data gate", "ended by SIGTERM", "interrupted", "failed"])
def test_those_of_one_that_did_not_stand_as_if_it_had(ending: str) -> None:
    """When `run.json` was a table without a type, `reasons` came before `blessed` in these."""
    assert list(RunRecord.model_validate(GOLDEN[ending]).as_json()) == list(GOLDEN["done"])


def test_what_an_earlier_version_did_not_write_is_not_there(run_dir: Path) -> None:
    record = read_run(written(run_dir, {"status": "done"}))
    assert record.as_json() == {"id": "1", "recipe": "demo", "folder": str(run_dir), "status": "done"}
    assert (record.exit_code, record.steps, record.scores, record.pushed) == (None, [], None, None)


def test_what_a_later_version_wrote_is_handed_on(run_dir: Path) -> None:
    record = read_run(written(run_dir, {"status": "done", "stages": [1, 2]}))
    assert record.as_json()["stages"] == [1, 2]


def test_a_run_is_found_from_within_the_folder_of_runs(run_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(written(run_dir, {"status": "done"}).parent)
    assert (find_run("1").id, find_run("1").recipe) == ("1", "demo")


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ([1], "found list, expected an object"),
        ({}, "status: missing"),
        ({"status": "well"}, "status: found 'well', expected 'running'"),
        ({"status": "running", "pid": 2**40}, "pid: found 1099511627776, expected less than"),
        ({"status": "running", "pid": 0}, "pid: found 0, expected greater than"),
        ({"status": "done", "steps": [{"id": "Trainer"}]}, "steps.0.state: missing"),
        ({"status": "done", "pushed": {"version": "7"}}, "pushed.path: missing"),
        ({"status": "done", "metrics": {"test": {"dice": "good"}}}, "metrics.dice: found 'good', expected a table"),
        (
            {"status": "done", "metrics": {"test": {"measures": {}}}},
            "metrics.measures: found {}, Dictionary should have at least 1",
        ),
        (
            {"status": "done", "metrics": {"test": {"measures": {"hd": {"title": "HD"}}}}},
            "metrics.hd: found None, expected a table",
        ),
    ],
)
def test_what_is_no_record_is_named(run_dir: Path, content: Any, fault: str) -> None:
    with pytest.raises(UsageError, match=f"^{run_dir / RUN_FILE}: {fault}.*delete the folder") as error:
        read_run(written(run_dir, content))
    damaged = find_run(str(run_dir))
    assert (damaged.status, damaged.reasons) == ("damaged", [str(error.value)])


@pytest.mark.parametrize(
    ("ending", "lines"),
    [
        (
            "done",
            [
                f"{TEST}{EMPTY}",
                "Pushed: version 1795973598 to /srv/out/serving/1795973598",
                "Report: /srv/out/runs/20261129-173241/report.html",
            ],
        ),
        (
            "refused by the evaluation",
            [
                f"{TEST}{EMPTY}",
                "Refused: mean Dice 0.5880 is below min_dice 0.99",
                "Not pushed: the candidate is not blessed",
                "Report: /srv/out/runs/20261129-173322/report.html",
            ],
        ),
        (
            "ended by SIGTERM",
            ["Interrupted: told to end (SIGTERM) before ExampleValidator; started again it goes on there"],
        ),
        (
            "simulated and failed",
            [
                "Failed: ImageMaskExampleGen: ended with code 2: UsageError (exit code 2): "
                "components.example_gen.executor: the installed code has the version 52bcdcba2e4d, the pipeline was "
                "compiled with 7bd9d589d6d6",
                "Log of the step: /srv/simout/runs/20261129-174729/ImageMaskExampleGen.log",
            ],
        ),
    ],
)
def test_what_people_are_told(ending: str, lines: list[str]) -> None:
    assert conclusion(RunRecord.model_validate(GOLDEN[ending])) == lines


@pytest.mark.parametrize(
    ("code", "word"),
    [
        (ExitCode.DATA_REFUSED, "Refused"),
        (ExitCode.STILL_RUNNING, "Still running"),
        (ExitCode.INTERRUPTED, "Interrupted"),
        (137, "Failed"),
    ],
)
def test_the_word_before_a_reason_follows_from_the_exit_code(code: int, word: str) -> None:
    record = RunRecord(id="1", recipe="demo", status="failed", exit_code=code, reasons=["so"])
    assert conclusion(record) == [f"{word}: so"]


def test_an_undefined_score_without_an_interval() -> None:
    test = {"dice": {"mean": None, "ci95": None, "n": 0}, "empty_cases": 0, "empty_cases_with_prediction": 0}
    record = RunRecord(id="1", recipe="demo", status="done", exit_code=0, metrics={"test": test})
    assert conclusion(record) == ["Test: mean foreground Dice undefined, 0 cases"]


def test_of_too_few_groups_no_interval_is_told() -> None:
    few = {"mean": 0.5, "ci95": None, "no_ci95": "too few groups to say", "n": 7}
    test = {"dice": few, "empty_cases": 0, "empty_cases_with_prediction": 0}
    record = RunRecord(id="1", recipe="demo", status="done", exit_code=0, metrics={"test": test})
    assert conclusion(record) == ["Test: mean foreground Dice 0.500 (95 % CI: too few groups to say), 7 cases"]


def test_classes_are_told_beside_the_first_measure() -> None:
    def found(mean: float | None) -> dict[str, Any]:
        return {"mean": mean, "median": mean, "ci95": None, "n": 3}

    test = {
        "measures": {"surface": {"title": "surface Dice"}, "dice": {"title": "Dice"}},
        **{"surface": found(0.5), "dice": found(0.25), "empty_cases": 0, "empty_cases_with_prediction": 0},
        "classes": {"lesion": {"surface": found(0.5)}, "muscle": {"surface": found(None)}},
        "notes": ["class 'muscle' was never measured"],
    }
    record = RunRecord(id="1", recipe="demo", status="done", exit_code=0, metrics={"test": test})
    assert conclusion(record) == [
        "Test: mean foreground surface Dice 0.500, 3 cases; lesion 0.500; muscle undefined",
        "Note: class 'muscle' was never measured",
    ]
