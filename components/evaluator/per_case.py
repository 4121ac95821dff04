"""`per_case.csv`: the measures of each class of each test record; one type, one writer, one reader."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np

from components.measures.confusion import Confusion
from components.reading import opened

_CHAMPION = "champion_"
_OTHER = {
    *("id", "group", "source", "label", "site", "fold", "class", "prediction"),
    *("truth_pixels", "predicted_pixels", "extent", "tp", "fp", "fn", "tn"),
}
"""Columns that are no measure."""


@dataclass(frozen=True)
class ClassScores:
    """What was found of one class of a test record."""

    counts: Confusion
    values: Mapping[str, float]
    """By measure, NaN where one is undefined; the loss is of the record, and the same for each class."""
    champion: Mapping[str, float] = field(default_factory=dict)
    """Of the served model on the same record, where there is one and it can be compared."""
    extent: int = 0
    """Of the truth: the longest side of the bounding boxes of its regions, in pixels of what is judged."""
    bins: np.ndarray | None = field(default=None, compare=False)
    """As `binned`, of the pixels near the foreground; None without probabilities. Not in the file."""


@dataclass(frozen=True)
class Case:
    """A test record with the scores of its classes."""

    id: str
    group: str
    source: str
    label: str
    classes: Mapping[str, ClassScores]
    site: str = ""
    prediction: str = ""
    """Path of the predicted mask relative to the evaluation."""
    fold: str = ""
    """That the case stands in, where folds are pooled."""

    @property
    def truth_pixels(self) -> int:
        """Foreground of any class."""
        return sum(scores.counts.truth_pixels for scores in self.classes.values())

    @property
    def predicted_pixels(self) -> int:
        """Foreground of any class."""
        return sum(scores.counts.predicted_pixels for scores in self.classes.values())

    @property
    def is_false_alarm(self) -> bool:
        """Whether something was predicted where there is nothing."""
        return self.truth_pixels == 0 and self.predicted_pixels > 0

    def extent(self, name: str | None) -> int:
        """Of the largest region of a class, or of any."""
        return max(scores.extent for key, scores in self.classes.items() if name in (None, key))

    def value(self, measure: str) -> float:
        """The mean of a measure over the classes where it is defined, NaN where it is in none."""
        return _mean(scores.values.get(measure, math.nan) for scores in self.classes.values())

    def champion(self, measure: str) -> float:
        """As `value`, of the served model."""
        return _mean(scores.champion.get(measure, math.nan) for scores in self.classes.values())


def write_cases(path: Path, cases: Iterable[Case]) -> None:
    """Writes a row per case and class below the names of the columns; nothing where there is no case."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer: csv.DictWriter[str] | None = None
        for row in (_row(case, name) for case in cases for name in case.classes):
            if writer is None:
                writer = csv.DictWriter(file, list(row))
                writer.writeheader()
            writer.writerow(row)


def read_cases(path: Path) -> list[Case]:
    """The cases of the file, in its order; one of before there were classes has `foreground` alone."""
    with opened(path) as content, io.TextIOWrapper(content, encoding="utf-8", newline="") as file:
        return [_case(list(rows)) for _, rows in groupby(map(_whole, csv.DictReader(file)), lambda row: row["id"])]


def _whole(row: dict[str, str]) -> dict[str, str]:
    if None in row.values():
        raise ValueError("a row is cut short")
    return row


def _row(case: Case, name: str) -> dict[str, Any]:
    scores = case.classes[name]
    counts = scores.counts
    return {
        "id": case.id,
        "group": case.group,
        "source": case.source,
        "label": case.label,
        "site": case.site,
        **({"fold": case.fold} if case.fold else {}),
        "class": name,
        "truth_pixels": counts.truth_pixels,
        "predicted_pixels": counts.predicted_pixels,
        "extent": scores.extent,
        "tp": counts.tp,
        "fp": counts.fp,
        "fn": counts.fn,
        "tn": counts.tn,
        **{measure: _cell(value) for measure, value in scores.values.items()},
        **{_CHAMPION + measure: _cell(scores.champion.get(measure, math.nan)) for measure in scores.values},
        "prediction": case.prediction,
    }


def _case(rows: list[dict[str, str]]) -> Case:
    first = rows[0]
    identity = {key: first[key] for key in ("id", "group", "source", "label", "prediction")}
    return Case(
        **identity,
        # Files of before there were folds, sites and classes have no such columns.
        fold=first.get("fold", ""),
        site=first.get("site", ""),
        classes={row.get("class", "foreground"): _scores(row) for row in rows},
    )


def _scores(row: Mapping[str, str]) -> ClassScores:
    measures = [column for column in row if column not in _OTHER and not column.startswith(_CHAMPION)]
    champion = {name: row[_CHAMPION + name] for name in measures if _CHAMPION + name in row}
    return ClassScores(
        Confusion(*(int(row[count]) for count in ("tp", "fp", "fn", "tn"))),
        {name: _number(row[name]) for name in measures},
        {name: _number(cell) for name, cell in champion.items()},
        int(row.get("extent", 0)),
    )


def _mean(values: Iterable[float]) -> float:
    defined = [value for value in values if not math.isnan(value)]
    return fmean(defined) if defined else math.nan


def _cell(value: float) -> float | str:
    return "" if math.isnan(value) else value


def _number(cell: str) -> float:
    return float(cell) if cell else math.nan
