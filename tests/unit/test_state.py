"""Files of ours that another time has written: kept as they stand, or refused by name with what to do."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, NotRequired

import pytest
from typing_extensions import TypedDict

from components.artifacts import ACCOUNT_FILE, METRICS_FILE, TRAINING_FILE
from components.errors import ExitCode
from components.state import BrokenState, read_state
from pipeline.graph.roles import Role
from pipeline.runs.outcome import Output, complete, notices
from pipeline.runs.record import RunRecord


class Paper(TypedDict):
    count: int
    mean: NotRequired[float | None]
    rows: NotRequired[list[dict[str, int]]]


def written(path: Path, content: Any) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "content", [{"count": 1}, {"later": [1], "mean": None, "count": 1, "rows": []}, {"mean": 2, "count": 0}]
)
def test_what_a_shape_does_not_name_is_kept_where_it_stood(tmp_path: Path, content: dict[str, Any]) -> None:
    found = read_state(written(tmp_path / "paper.json", content), Paper, "Put it back.")
    assert list(found.items()) == list(content.items())


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ({}, "count: missing"),
        ({"count": "3"}, "count: found '3', expected a whole number"),
        ({"count": True}, "count: found True, expected a whole number"),
        ({"count": 3, "mean": "x" * 99}, f"mean: found '{'x' * 59}..., expected a number"),
        ({"count": 3, "rows": {}}, "rows: found {}, expected a list"),
        ({"count": 3, "rows": [{}, {"a": None}]}, "rows.1.a: found None, expected a whole number"),
        (None, "found NoneType, expected an object"),
    ],
)
def test_what_is_wrong_is_named_by_file_and_place_with_what_to_do(tmp_path: Path, content: Any, fault: str) -> None:
    path = written(tmp_path / "paper.json", content)
    with pytest.raises(BrokenState, match=f"^{re.escape(f'{path}: {fault}')}. Put it back.$") as error:
        read_state(path, Paper, "Put it back.")
    assert error.value.exit_code == ExitCode.USAGE


@pytest.mark.parametrize("content", [b"", b'{"count": 1', b"\xff\xfe", b"[" * 100_000, b"9" * 5000, None])
def test_what_is_no_json_is_named_too(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "paper.json"
    path.mkdir() if content is None else path.write_bytes(content)
    with pytest.raises(BrokenState, match=f"^{path}: cannot be read: .*. Put it back.$"):
        read_state(path, Paper, "Put it back.")


def test_a_run_is_recorded_as_far_as_its_artifacts_can_be_read(tmp_path: Path) -> None:
    """A reused artifact that was damaged ends the run by name; its record must not be lost for that."""
    training = {"seconds": 1.0, "parameters": 2, "devices": ["CPU:0"], "warnings": ["w"], "train": {"dice": 0.5}}
    left = {
        Role.EXAMPLES: written(tmp_path / "examples" / ACCOUNT_FILE, {"rejects": "none"}),
        Role.TRAINING: written(tmp_path / "training" / TRAINING_FILE, training),
        Role.EVALUATION: written(tmp_path / "evaluation" / METRICS_FILE, []),
    }
    outputs = {role: Output(path.parent, {}) for role, path in left.items()}
    with pytest.raises(BrokenState, match=r"account.json: .*--no-cache"):
        list(notices(outputs))
    record = RunRecord(id="1", recipe="demo", status="failed")
    complete(record, outputs)
    assert (record.counts, record.metrics, record.devices) == (None, {"train": {"dice": 0.5}}, ["CPU:0"])
