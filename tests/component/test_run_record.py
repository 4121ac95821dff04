"""The record that a run here leaves, however it ends: of real graphs, of which the first nodes alone are run."""

from __future__ import annotations

from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from components.errors import DataRefused
from components.files import read_json
from pipeline.config.loader import load_config
from pipeline.runs.console import RunConsole
from pipeline.runs.local import run
from pipeline.runs.request import Request
from pipeline.runs.termination import Terminated

KEYS = [*read_json(Path(__file__).parents[1] / "golden" / "runs.json")["done"], "artifacts"]


def ending_with(error: BaseException) -> Callable[[str], None]:
    """Lets the first node run, and raises before the second."""
    begun: list[str] = []

    def before(node: str) -> None:
        begun.append(node)
        if len(begun) == 2:
            raise error

    return before


@pytest.fixture
def request_of(tmp_path: Path, write_pairs: Any) -> Request:
    config = load_config("folders", ["data.height=32", "data.width=32", "data.groups.by=name"])
    run_dir = tmp_path / "out" / "runs" / "1"
    run_dir.mkdir(parents=True)
    data, out = write_pairs(tmp_path / "data", 3), tmp_path / "out"
    return Request("folders", config, data, "", out, out / "serving", run_dir, to_node="StatisticsGen")


@pytest.mark.parametrize(
    ("error", "status", "code", "reasons"),
    [
        (Terminated("told to end"), "interrupted", 143, ["told to end"]),
        (DataRefused(["a leak", "another"], {"problems": 2}), "refused by the data gate", 4, ["a leak", "another"]),
    ],
)
def test_a_run_that_ends_early_is_returned(
    request_of: Request, error: Exception, status: str, code: int, reasons: list[str]
) -> None:
    record = run(request_of, RunConsole(StringIO()), ending_with(error))
    assert (record.status, record.exit_code, record.reasons) == (status, code, reasons)
    assert [step.state for step in record.steps] == ["ran"]
    on_disk = read_json(request_of.run_dir / "run.json")
    assert on_disk == record.as_json()
    assert list(on_disk) == KEYS
    assert (on_disk["blessed"], on_disk["report"], on_disk["metrics"], on_disk["warnings"]) == (None, None, {}, [])


@pytest.mark.parametrize(
    ("error", "status", "code", "reasons"),
    [
        (KeyboardInterrupt(), "interrupted", 130, ["interrupted"]),
        (RuntimeError("out of memory"), "failed", 1, ["out of memory"]),
        (ZeroDivisionError(), "failed", 1, ["ZeroDivisionError"]),
    ],
)
def test_an_error_is_raised_after_it_was_noted(
    request_of: Request, error: BaseException, status: str, code: int, reasons: list[str]
) -> None:
    with pytest.raises(type(error)):
        run(request_of, RunConsole(StringIO()), ending_with(error))
    on_disk = read_json(request_of.run_dir / "run.json")
    assert (on_disk["status"], on_disk["exit_code"], on_disk["reasons"]) == (status, code, reasons)
    assert list(on_disk) == KEYS


def test_a_run_that_was_to_end_after_a_node_is_done(request_of: Request) -> None:
    (request_of.data / "images" / "p00_a.png").write_text("no image")
    screen = StringIO()
    record = run(request_of, RunConsole(screen), lambda node: None)
    on_disk = read_json(request_of.run_dir / "run.json")
    assert list(on_disk) == KEYS
    assert (on_disk["status"], on_disk["exit_code"], on_disk["blessed"], on_disk["reasons"]) == ("done", 0, None, [])
    assert {step["id"] for step in on_disk["steps"]} == {"ImageMaskExampleGen", "ImportSchemaGen", "StatisticsGen"}
    assert all(list(step) == ["id", "state", "seconds", "cached", "reason"] for step in on_disk["steps"])
    assert record.counts is not None
    assert (record.counts.sources, record.counts.rejects, sum(record.counts.records.values())) == (6, 1, 5)
    assert "! rejected images/p00_a.png: " in screen.getvalue()
