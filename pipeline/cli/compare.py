"""Runs beside each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from pipeline.cli.verbs import Anonymous, AsJson, Debug, print_json, verb
from pipeline.terminal import FINDINGS, Cell, Column, Styled, Terminal

_MOST_DIFFERENCES = 20
_TOLD = ("overlap", "training")
"""Families of measures that the terminal shows, beside the first measure."""


@verb
def compare_command(
    runs: Annotated[
        list[str],
        typer.Argument(metavar="RUN", help="Folders of runs, run.json, ids, or output folders (their last run)."),
    ],
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="A new folder; without it maskline-out/comparisons/TIME."),
    ] = None,
    anonymous: Anonymous = False,
    json_output: AsJson = False,
    debug: Debug = False,
) -> None:
    """Compare runs by the test cases that all have: measures, paired differences to the first, pictures, configs.

    Writes comparison.html and comparison.json. Exit codes: 0 compared; 2 usage: no evaluation, no shared case, other
    classes, other truth.
    """
    from pipeline.runs.reading import reading_bar

    with reading_bar() as watch:
        from pipeline.runs.compare.comparison import compare

        told = compare(runs, out, watch, anonymous)
    if json_output:
        print_json(told)
    else:
        print_comparison(told)


def print_comparison(told: Mapping[str, Any]) -> None:
    """The runs, what was told of their measures, and what differs."""
    terminal = Terminal(wraps=True)
    for row in told["runs"]:
        lacking = f", {row['not_shared']} of its {row['cases']} test cases are not shared" if row["not_shared"] else ""
        terminal.say(Styled(row["run"], "bold"), f"  {row['name']}: {row['status']}{lacking}")
    _print_part(terminal, told["test"], "test cases that all have")
    if told["out_of_fold"]:
        _print_part(terminal, told["out_of_fold"], "cases out of fold")
    if told["no_out_of_fold"]:
        terminal.say(f"Out of fold not compared: {told['no_out_of_fold']}")
    _print_differences(terminal, told)
    for note in told["notes"]:
        terminal.warn(f"{note}.")
    Terminal().say(f"Comparison: {told['page']}")


def _print_part(terminal: Terminal, part: Mapping[str, Any], what: str) -> None:
    numbers = [Column(name, right=True) for name in ("mean", "95 % CI", "change", "95 % CI", "n")]
    first, *_ = part["measures"]
    rows = [row for heading, found in _told(part, first) for row in _rows(heading, found)]
    by_class = [(each, means[first]) for each, means in part["classes"].items() if first in means]
    if by_class:
        rows.append((f"{part['measures'][first]['title']} of", *[""] * 6))
        rows += [row for heading, found in by_class for row in _rows(heading, found)]
    title = f"{part['cases']} {what} ({part['groups']} groups); changes to A, case by case"
    # So narrow that 80 columns hold all the others.
    terminal.show([Column("measure", most=12), Column("run"), *numbers], rows, title=title, **FINDINGS)


def _told(part: Mapping[str, Any], first: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, described in part["measures"].items():
        if name == first or described["family"] in _TOLD:
            yield described["title"], part["means"][name]


def _rows(heading: str, found: Mapping[str, Any]) -> Iterator[tuple[Cell, ...]]:
    for letter, row in found.items():
        change = row.get("change") or {"mean": None, "ci95": None, "verdict": None, "n": row["n"]}
        cases = str(row["n"]) if change["n"] == row["n"] else f"{row['n']}, both {change['n']}"
        style = {"better": "green", "worse": "red"}.get(change["verdict"], "")
        yield (
            heading,
            letter,
            _number(row["mean"]),
            _interval(row["ci95"]),
            Styled(_number(change["mean"], "+"), style),
            Styled(_interval(change["ci95"], "+"), style),
            cases,
        )
        heading = ""


def _print_differences(terminal: Terminal, told: Mapping[str, Any]) -> None:
    from pipeline.runs.compare.page import written

    rows = [(key, *map(written, values)) for part in ("config", "recorded") for key, values in told[part].items()]
    columns = [Column("what differs"), *(Column(row["run"]) for row in told["runs"])]
    terminal.show(columns, rows[:_MOST_DIFFERENCES], **FINDINGS)
    if len(rows) > _MOST_DIFFERENCES:
        terminal.say(f"and {len(rows) - _MOST_DIFFERENCES} more, on the page")


def _number(value: float | None, sign: str = "") -> str:
    return "-" if value is None else f"{value:{sign}.3f}"


def _interval(ends: tuple[float, float] | None, sign: str = "") -> str:
    return f"{ends[0]:{sign}.3f} to {ends[1]:{sign}.3f}" if ends else "-"
