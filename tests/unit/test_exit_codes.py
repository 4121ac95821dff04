"""The table of exit codes, and what people read of it."""

from __future__ import annotations

import re
import signal
from pathlib import Path

import pytest
from typer.testing import CliRunner

from components.errors import DataRefused, ExitCode, UsageError, exit_code_of
from pipeline.cli.app import app

REPOSITORY = Path(__file__).parents[2]
SOURCES = [path for package in ("components", "pipeline") for path in (REPOSITORY / package).rglob("*.py")]
LITERAL = re.compile(r"""exit_code["']?\s*(?:=|==|:|!=)\s*-?\d|\b(?:exit|_exit|Exit)\(\d|exit_code in \(\d""")


def said_by_help(*verb: str) -> str:
    """What `--help` says, on one line."""
    shown = CliRunner().invoke(app, [*verb, "--help"], env={"COLUMNS": "300", "TERM": "dumb"}).stdout
    return " ".join(shown.replace("│", " ").split())


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UsageError("no data"), 2),
        (DataRefused(["a leak"], {}), 4),
        (KeyboardInterrupt(), 130),
        (ValueError("a bug"), 1),
    ],
)
def test_an_error_has_the_code_of_its_kind(error: BaseException, code: int) -> None:
    assert exit_code_of(error) == code


def test_the_codes_of_signals_are_those_of_shells() -> None:
    assert ExitCode.INTERRUPTED == 128 + signal.SIGINT
    assert ExitCode.TERMINATED == 128 + signal.SIGTERM


def test_the_readme_has_the_whole_table() -> None:
    table = (REPOSITORY / "README.md").read_text().partition("| exit code | meaning |\n|---|---|\n")[2]
    rows = re.findall(r"^\| ([\d, ]+) \|", table.partition("\n\n")[0], re.MULTILINE)
    assert [int(code) for row in rows for code in row.split(",")] == sorted(ExitCode)


@pytest.mark.parametrize(
    ("verb", "meanings"),
    [
        (
            ["run"],
            {
                ExitCode.DONE: "done",
                ExitCode.FAILED: "crash",
                ExitCode.USAGE: "usage or config",
                ExitCode.REFUSED: "refused by the evaluation",
                ExitCode.DATA_REFUSED: "refused by the data gate",
                ExitCode.INTERRUPTED: "interrupted",
                ExitCode.TERMINATED: "told to end (SIGTERM)",
            },
        ),
        (
            ["schedule"],
            {
                ExitCode.DONE: "stopped by SIGTERM",
                ExitCode.INTERRUPTED: "interrupted",
                ExitCode.USAGE: "usage or config",
            },
        ),
        (
            ["kubeflow", "submit"],
            {
                ExitCode.DONE: "the run succeeded",
                ExitCode.FAILED: "failed",
                ExitCode.USAGE: "usage or config",
                ExitCode.DATA_REFUSED: "refused by the data gate",
                ExitCode.STILL_RUNNING: "still running after --timeout",
                ExitCode.INTERRUPTED: "cancelled",
            },
        ),
        (
            ["seen"],
            {ExitCode.DONE: "unseen", ExitCode.USAGE: "usage", ExitCode.DATA_REFUSED: "some were seen"},
        ),
        (
            ["evaluate"],
            {ExitCode.DONE: "measured", ExitCode.USAGE: "usage", ExitCode.DATA_REFUSED: "refused: the model has seen"},
        ),
        (["compare"], {ExitCode.DONE: "compared", ExitCode.USAGE: "usage"}),
        (["kubeflow", "lint"], {ExitCode.DONE: "nothing", ExitCode.USAGE: "something"}),
    ],
)
def test_the_help_of_a_verb_names_its_codes(verb: list[str], meanings: dict[ExitCode, str]) -> None:
    codes = said_by_help(*verb).partition("Exit codes: ")[2].partition("Options")[0]
    for code, meaning in meanings.items():
        assert f"{code} {meaning}" in codes
    # Each that it names, 0 of `--once` and the 4 that `submit` comes back to included, is one of these.
    assert {int(number) for number in re.findall(r"\b\d+\b", codes)} <= set(meanings)


def test_the_help_of_single_codes() -> None:
    assert f"Exit code {ExitCode.DATA_REFUSED}: something is wrong" in said_by_help("check")
    assert f"exit code {ExitCode.USAGE} where a cluster would refuse it" in said_by_help("kubeflow", "compile")


def test_no_code_is_a_literal_elsewhere() -> None:
    found = [f"{path}: {line}" for path in SOURCES for line in path.read_text().splitlines() if LITERAL.search(line)]
    assert found == []
