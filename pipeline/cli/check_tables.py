"""The findings of `maskline check` as tables for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from components.artifacts import Reject
from pipeline.runs.alike import alike, told
from pipeline.terminal import FINDINGS, Cell, Column, Line, Styled, Terminal

_EXAMPLES = 2
_REJECTS = 5
_RULES = 5

Row = Sequence[Cell]


def print_check(report: Mapping[str, Any], written: Path | None = None) -> None:
    """The splits, what was found and what to do about it, the verdict. `written`: where the report is as JSON."""
    terminal = Terminal(wraps=True)
    _show_splits(terminal, report["splits"])
    if report["masks"]["rules"]:
        _show_masks(terminal, report["masks"])
    if report["problems"] or report["notes"]:
        _show_findings(terminal, report["problems"], report["notes"])
        terminal.say("[section] key = value goes into a TOML file, or follows --set as section.key=value.")
        terminal.say()
    if report["rejects"]:
        _show_rejects(terminal, report["rejects"])
    if report["drift"]:
        _show_drift(terminal, report["drift"])
    terminal.say(_verdict(report))
    terminal.say(f"Everything as JSON: {written or 'add --json'}")


def _show_splits(terminal: Terminal, splits: Mapping[str, Any]) -> None:
    columns = [
        Column("split"),
        *(Column(name, right=True) for name in ("records", "groups", "with foreground")),
        Column("in masks"),
        Column("labels"),
    ]
    rows = [
        (
            split,
            *(str(counts[key]) for key in ("records", "groups", "with_foreground")),
            _counts(counts["classes"]),
            _counts(counts["labels"]),
        )
        for split, counts in splits.items()
    ]
    terminal.show(columns, rows, "Splits", **FINDINGS)


def _counts(records: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in records.items()) or "-"


def _show_masks(terminal: Terminal, masks: Mapping[str, Any]) -> None:
    rules = sorted(masks["rules"].items(), key=lambda item: -item[1]["sources"])
    for rule, found in rules[:_RULES]:
        sources = _counted(found["sources"], "image")
        terminal.say(f"Read as foreground: {rule}, of {sources}, such as {found['example']}")
    if more := rules[_RULES:]:
        sources = _counted(sum(found["sources"] for _, found in more), "image")
        terminal.say(f"Read as foreground: {_counted(len(more), 'rule')} more, of {sources}")
    if masks["median_foreground"] is not None:
        terminal.say(f"It covers {masks['median_foreground']:.1%} of an image (median where any).")
    terminal.say()


def _show_findings(
    terminal: Terminal, problems: Sequence[Mapping[str, Any]], notes: Sequence[Mapping[str, Any]]
) -> None:
    columns = [Column("finding", most=20), Column("count", right=True), Column("where, and what to do")]
    rows: list[Row] = []
    for item in [*problems, *notes]:
        word = Styled("STOPS ", "bold red") if item["stops"] else Styled("note ", "yellow")
        rows += [((word, item["kind"]), str(item["count"]), _where(item)), ()]
    terminal.show(columns, rows, "Findings", **FINDINGS)


def _where(item: Mapping[str, Any]) -> list[Line]:
    # Rejects have a table of their own.
    lines = [] if item["kind"] == "rejects" else _first(item["examples"], item["count"], _EXAMPLES)
    return [item["what"], *(f"- {line}" for line in lines), Styled(f"To do: {item['advice']}", "bold")]


def _first(examples: Sequence[str], count: int, shown: int) -> list[str]:
    more = count - min(shown, len(examples))
    return [*examples[:shown], *([f"and {more} more"] if more > 0 else [])]


def _show_rejects(terminal: Terminal, rejects: Sequence[Reject]) -> None:
    columns = [Column("kind", most=20), Column("count", right=True), Column("source: reason")]
    by_kind = groupby(sorted(rejects, key=_kind), key=_kind)
    rows = [_reject_row(kind, list(same)) for kind, same in by_kind]
    terminal.show(columns, rows, "Rejects: sources that cannot be used", **FINDINGS)


def _kind(reject: Reject) -> str:
    return reject["kind"]


def _reject_row(kind: str, rejects: Sequence[Reject]) -> Row:
    groups = alike(rejects)
    lines: list[Line] = [line for group in groups[:_REJECTS] for line in told(group)]
    more = sum(map(len, groups[_REJECTS:]))
    return kind, str(len(rejects)), [*lines, *([f"and {more} more"] if more else [])]


def _show_drift(terminal: Terminal, drift: Mapping[str, Any]) -> None:
    columns = [
        Column("feature"),
        *(Column(name, right=True) for name in ("median then", "median now", "distance", "p")),
        Column("verdict"),
    ]
    title = f"Against the data of the champion, version {drift['champion']}"
    terminal.show(columns, map(_drift_row, drift["features"]), title, **FINDINGS)


def _drift_row(feature: Mapping[str, Any]) -> Row:
    numbers = (feature[key] for key in ("champion_median", "median", "statistic", "p_value"))
    style = "bold red" if feature["verdict"] == "drift" else ""
    shown = ("-" if number is None else f"{number:.4g}" for number in numbers)
    return feature["name"], *shown, Styled(feature["verdict"], style)


def _verdict(report: Mapping[str, Any]) -> Styled:
    rejects, notes = len(report["rejects"]), len(report["notes"])
    if report["problems"]:
        kinds = ", ".join(problem["kind"] for problem in report["problems"])
        return Styled(f"Not usable as it is: a run would stop. Mend first: {kinds}.", "bold red")
    look = " Read the notes first." if notes else ""
    if rejects:
        without = f"a run would go on without {_counted(rejects, 'source')} that cannot be used"
        return Styled(f"Not clean: {without}.{look}", "bold yellow")
    used = report["sources"] - len(report["left_out"])
    return Styled(f"Usable: a run would go on with all {_counted(used, 'source')}.{look}", "bold green")


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
