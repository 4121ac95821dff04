"""What a served model says of images that are not its run's, as tables and lines for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pipeline.terminal import FINDINGS, Column, Part, Styled, Terminal

_NAMED = 20


def print_evaluation(told: Mapping[str, Any], out: Path | None) -> None:
    """The measures, by class where there are several, and what became of the images that have none."""
    terminal = Terminal(wraps=True)
    found = told["metrics"]
    if found:
        columns = [Column("measure"), *(Column(name, right=True) for name in ("mean", "median", "95 % CI", "cases"))]
        terminal.say(f"{told['measured']} images of {told['data']} by {told['model']}")
        terminal.show(columns, _measured(found), **FINDINGS)
        if found["empty_cases"]:
            predicted = found["empty_cases_with_prediction"]
            terminal.say(f"Something was predicted in {predicted} of {found['empty_cases']} cases without foreground")
        for note in (
            *found["notes"],
            *found["reasons"],
            *([f"collapsed: {found['collapsed']}"] if found["collapsed"] else []),
        ):
            terminal.warn(note)
    for reject in told["rejects"][:_NAMED]:
        terminal.warn(f"rejected {reject['source']}: {reject['reason']}")
    _and_more(terminal, len(told["rejects"]), "rejected")
    _print_known(terminal, told)
    if told["groups_not_compared"]:
        terminal.warn("The model's names are salted, and the salt is not here: groups (patients) were not compared.")
    _print_limits(terminal, told)
    if found and out:
        terminal.say(f"Written to {out}: metrics.json, per_case.csv, predictions")


def print_seen(found: Mapping[str, Any]) -> None:
    """A line for each image, and what could not be told."""
    terminal = Terminal()
    for row in found["images"]:
        terminal.say(f"{row['image']}: ", *_answer(row))
    _print_limits(terminal, found)
    terminal.say(f"{found['seen']} seen, {found['unseen']} unseen, {found['unreadable']} unreadable: {found['model']}")


def _print_limits(terminal: Terminal, told: Mapping[str, Any]) -> None:
    """What could not be told."""
    if told["by_pixels_alone"]:
        terminal.warn(
            "The model brings no signatures: only the same pixels are known, also flipped and turned by right angles."
        )
    if told["without_detail"]:
        terminal.warn(
            f"{told['without_detail']} of the model's images have too little detail: of these, too, only the same "
            "pixels are known."
        )
    for version in told["not_known"]:
        terminal.warn(_lost(version))


def _measured(found: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    for name in found["measures"]:
        yield _row(name, found[name])
    for each, summary in found["classes"].items() if len(found["classes"]) > 1 else ():
        for name, values in summary.items():
            yield _row(f"{name} of {each}", values)


def _row(name: str, values: Mapping[str, Any]) -> tuple[str, ...]:
    interval = values["ci95"]
    shown = f"{interval[0]:.3f} to {interval[1]:.3f}" if interval else "-"
    return name, *(_number(values[key]) for key in ("mean", "median")), shown, str(values["n"])


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _print_known(terminal: Terminal, told: Mapping[str, Any]) -> None:
    known = told["seen"]
    if not known:
        return
    became = {"leave-out": "left out", "measure": "measured all the same"}
    for row in known[:_NAMED]:
        terminal.warn(f"{row['image']}: {_where(row['matches'])}")
    _and_more(terminal, len(known), "seen")
    what = became.get(told["if_seen"], "so nothing was measured: remove them, or --seen leave-out, or --seen measure")
    terminal.say(f"The model has seen {len(known)} of the images, {what}.")


def _and_more(terminal: Terminal, count: int, what: str) -> None:
    if count > _NAMED:
        terminal.warn(f"and {count - _NAMED} more {what}; --json has all")


def _lost(version: str) -> str:
    return f"It went on from version {version}, which is not here: what that one has learnt is not known."


def _answer(row: Mapping[str, Any]) -> list[Part]:
    if row["seen"] is None:
        return [Styled("unreadable", "red"), f": {row['note']}"]
    if not row["seen"]:
        return [Styled("unseen", "green"), f" ({row['note']})" if row["note"] else ""]
    return [Styled("seen", "red"), f" {_where(row['matches'])}"]


def _where(matches: list[Mapping[str, Any]]) -> str:
    first, *more = matches
    alike = f", similarity {first['similarity']:.2f}" if first["by"] == "near duplicate" else ""
    others = f"; and {len(more)} more" if more else ""
    return f"in {first['split']}: {first['source']} ({first['by']}{alike}){others}"
