"""The findings of `maskline check` as tables for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

_EXAMPLES = 2
_REJECTS = 5


def print_check(report: Mapping[str, Any], written: Path | None = None) -> None:
    """The splits, what was found and what to do about it, the verdict. `written`: where the report is as JSON."""
    console = Console(highlight=False)
    console.print(_splits(report["splits"]))
    if report["masks"]["rules"]:
        console.print(_masks(report["masks"]))
    if report["problems"] or report["notes"]:
        console.print(_findings(report["problems"], report["notes"]))
        console.print(Text("[section] key = value goes into a TOML file, or follows --set as section.key=value.\n"))
    if report["rejects"]:
        console.print(_rejects(report["rejects"]))
    if report["drift"]:
        console.print(_drift(report["drift"]))
    console.print(_verdict(report))
    console.print(Text(f"Everything as JSON: {written or 'add --json'}"))


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column)
    return table


def _splits(splits: Mapping[str, Any]) -> Table:
    table = _table("Splits")
    for column in ("split", "records", "groups", "with foreground", "in masks", "labels"):
        table.add_column(column, justify="right" if column in ("records", "groups", "with foreground") else "left")
    for split, counts in splits.items():
        numbers = (str(counts[key]) for key in ("records", "groups", "with_foreground"))
        table.add_row(split, *numbers, _counts(counts["classes"]), _counts(counts["labels"]))
    return table


def _masks(masks: Mapping[str, Any]) -> Text:
    lines = [
        f"Read as foreground: {rule}, of {_counted(found['sources'], 'image')}, such as {found['example']}"
        for rule, found in masks["rules"].items()
    ]
    return Text("\n".join([*lines, f"It covers {masks['median_foreground']:.1%} of an image (median where any).\n"]))


def _counts(records: Mapping[str, int]) -> Text:
    return Text(", ".join(f"{name} {count}" for name, count in records.items()) or "-")


def _findings(problems: Sequence[Mapping[str, Any]], notes: Sequence[Mapping[str, Any]]) -> Table:
    table = _table("Findings")
    table.add_column("finding", max_width=20)
    table.add_column("count", justify="right")
    table.add_column("where, and what to do", overflow="fold")
    for item in [*problems, *notes]:
        word = Text("STOPS ", "bold red") if item["stops"] else Text("note ", "yellow")
        table.add_row(word.append(item["kind"], "default"), str(item["count"]), _where(item))
        table.add_row()
    return table


def _where(item: Mapping[str, Any]) -> Text:
    # Rejects have a table of their own.
    lines = [] if item["kind"] == "rejects" else _first(item["examples"], item["count"], _EXAMPLES)
    return Text("\n- ".join([item["what"], *lines])).append(f"\nTo do: {item['advice']}", "bold")


def _first(examples: Sequence[str], count: int, shown: int) -> list[str]:
    more = count - min(shown, len(examples))
    return [*examples[:shown], *([f"and {more} more"] if more > 0 else [])]


def _rejects(rejects: Sequence[Mapping[str, str]]) -> Table:
    table = _table("Rejects: sources that cannot be used")
    table.add_column("kind", max_width=20)
    table.add_column("count", justify="right")
    table.add_column("source: reason", overflow="fold")
    by_kind = sorted(rejects, key=lambda reject: reject["kind"])
    for kind, same in groupby(by_kind, key=lambda reject: reject["kind"]):
        lines = [f"{reject['source']}: {reject['reason']}" for reject in same]
        table.add_row(Text(kind), str(len(lines)), Text("\n".join(_first(lines, len(lines), _REJECTS))))
    return table


def _drift(drift: Mapping[str, Any]) -> Table:
    table = _table(f"Against the data of the champion, version {drift['champion']}")
    for column in ("feature", "median then", "median now", "distance", "p", "verdict"):
        table.add_column(column, justify="left" if column in ("feature", "verdict") else "right")
    for feature in drift["features"]:
        numbers = (feature[key] for key in ("champion_median", "median", "statistic", "p_value"))
        style = "bold red" if feature["verdict"] == "drift" else ""
        shown = ["-" if number is None else f"{number:.4g}" for number in numbers]
        table.add_row(feature["name"], *shown, Text(feature["verdict"], style))
    return table


def _verdict(report: Mapping[str, Any]) -> Text:
    rejects, notes = len(report["rejects"]), len(report["notes"])
    if report["problems"]:
        kinds = ", ".join(problem["kind"] for problem in report["problems"])
        return Text(f"Not usable as it is: a run would stop. Mend first: {kinds}.", "bold red")
    look = " Read the notes first." if notes else ""
    if rejects:
        without = f"a run would go on without {_counted(rejects, 'source')} that cannot be used"
        return Text(f"Not clean: {without}.{look}", "bold yellow")
    used = report["sources"] - len(report["left_out"])
    return Text(f"Usable: a run would go on with all {_counted(used, 'source')}.{look}", "bold green")


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
