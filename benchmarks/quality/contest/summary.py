"""Files of results as a table: what each method reaches at each budget, and how it differs from another."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from statistics import fmean, median

import numpy as np

from benchmarks.quality.contest.results import Row, kind_of
from benchmarks.quality.ledger import LEDGER
from benchmarks.quality.prepared import DEVELOPMENT
from benchmarks.quality.table import by_case, differences, line, t_interval
from components.errors import UsageError
from components.files import read_json
from components.measures.interval import interval

_HEAD = (
    "data",
    "measured",
    "minutes",
    "method",
    "seeds",
    "cases",
    "Dice",
    "median",
    "less {against}",
    "Student's 95 %",
    "whatever the next group brings, 95 %",
    "steps",
    "processor s",
)
_ENDS = (-1.0, 1.0)
"""Of a difference."""


def contest_table(rows: Sequence[Row], against: str, ledger: Path = LEDGER) -> Iterator[str]:
    """Lines of Markdown: for each data set and kind of split a line per budget and method.

    Seeds of a method are averaged case by case first, folds are pooled. Differences are paired, over the cases that
    both have, and their mean is that of groups.

    Args:
        rows: of files.
        against: `METHOD`, at the same budget, or `METHOD@MINUTES`.
        ledger: what test splits were used for before.
    """
    entries, (method_asked, minutes_asked) = _entries(rows), _parsed(against)
    yield line(name.format(against=against) for name in _HEAD)
    yield line(["---"] * len(_HEAD))
    for (data, kind, minutes, method), own in entries.items():
        others = entries.get((data, kind, minutes_asked or minutes, method_asked), [])
        dice = list(by_case(own).values())
        yield line(
            (
                *(data, kind, minutes, method, len({row.key.seed for row in own}), len(dice)),
                *(f"{value:.3f}" for value in (fmean(dice), median(dice))),
                *(_difference(differences(own, others)) if others and others is not own else ("", "", "")),
                f"{median(row.steps for row in own):.0f}",
                f"{median(row.processor_seconds for row in own):.0f}",
            )
        )
    yield from _looked_at(entries, ledger)


Entry = tuple[str, str, int, str]
"""Data, kind of split, minutes, method."""


def _entries(rows: Iterable[Row]) -> Mapping[Entry, list[Row]]:
    found: dict[Entry, list[Row]] = defaultdict(list)
    for row in rows:
        key = row.key
        found[key.data, kind_of(key.split), key.minutes, key.method].append(row)
    return {entry: found[entry] for entry in sorted(found)}


def _parsed(against: str) -> tuple[str, int | None]:
    method, at, minutes = against.partition("@")
    if at and not minutes.isdecimal():
        raise UsageError(f"--against {against}: expected METHOD or METHOD@MINUTES, such as nnunet@15")
    return method, int(minutes) if at else None


def _difference(values: Sequence[float]) -> tuple[str, str, str]:
    """Of groups: the mean, and its intervals where there are groups enough."""
    if not values:
        return "", "", ""
    student = t_interval(values) if len(values) > 1 else None
    unseen = interval(np.array([values]), [str(number) for number in range(len(values))], _ENDS)
    return f"{fmean(values):+.3f}", _range(student), _range(unseen)


def _range(ends: tuple[float, float] | None) -> str:
    return f"{ends[0]:+.3f} to {ends[1]:+.3f}" if ends else ""


def _looked_at(entries: Iterable[Entry], ledger: Path) -> Iterator[str]:
    """Which test splits are no first look any more."""
    uses = read_json(ledger) if ledger.exists() else {}
    for data in sorted({data for data, kind, *_ in entries if kind != DEVELOPMENT} & uses.keys()):
        yield ""
        asked = ", ".join(uses[data]["asked"]["methods"])
        yield f"{data}: its test split was looked at once before, on {uses[data]['when'][:10]}, for {asked}."
