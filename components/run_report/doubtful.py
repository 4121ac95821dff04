"""Which labels a person should look at first: those that a model which has not learnt from them contradicts most.

It decides nothing: no model is chosen and no record left out by it.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from heapq import nsmallest
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from components.inference.operating_point import OperatingPoint
from components.measures.calibration import sums
from components.measures.comparison import Comparison
from components.measures.doubt import doubt, soft_dice
from components.task import Task

if TYPE_CHECKING:
    # It reads records, which asks for TensorFlow: not for who needs the types here alone.
    from components.bulk_inferrer.answered import Answered
    from components.records.record import Record

MOST_SHOWN = 6
MOST_LISTED = 12
"""In the page and in `report.json`; the CSV file has all."""


@dataclass(frozen=True)
class ClassDoubt:
    """Of one class of a label."""

    doubt: float
    soft_dice: float
    truth_pixels: int
    predicted_pixels: int


@dataclass(frozen=True)
class Doubtful:
    """A label, and what speaks against it."""

    id: str
    group: str
    source: str
    label: str
    split: str
    classes: Mapping[str, ClassDoubt]

    @property
    def doubt(self) -> float:
        """The mean over the classes that are true or predicted; 0 where there is none."""
        return fmean([each.doubt for each in self._there] or [0.0])

    @property
    def soft_dice(self) -> float:
        """As `doubt`; 1 where there is none."""
        return fmean([each.soft_dice for each in self._there] or [1.0])

    @property
    def _there(self) -> list[ClassDoubt]:
        return [each for each in self.classes.values() if each.truth_pixels or each.predicted_pixels]

    @property
    def rank(self) -> tuple[float, str]:
        """By which lists are sorted."""
        return -self.doubt, self.id

    def as_json(self) -> dict[str, Any]:
        classes = {name: asdict(found) for name, found in self.classes.items()}
        return {**self.named, "doubt": self.doubt, "classes": classes}

    @property
    def named(self) -> dict[str, str]:
        return {name: getattr(self, name) for name in ("id", "group", "source", "label", "split")}


@dataclass(frozen=True, eq=False)
class Contradicted:
    """A doubtful label with what contradicts it; without probabilities, which are large."""

    doubtful: Doubtful
    source: Record
    predicted: np.ndarray
    """Class indices uint8 `(H, W)` at the size that is judged."""


class LookedAt(NamedTuple):
    """What labels are worth by what a model answers."""

    labels: list[Doubtful]
    """The most doubtful first."""
    worst: list[Contradicted]
    """The first few of those in any doubt."""
    not_compared: int
    """Labels whose answers are no finite numbers."""


def look_first(answered: Iterable[tuple[str, Answered]], point: OperatingPoint, task: Task) -> LookedAt:
    """Looks at all labels; of many images no more than the worst are in memory at once.

    Args:
        answered: with the name of its split.
    """
    every: list[Doubtful] = []
    not_compared = 0

    def passing() -> Iterator[Contradicted]:
        nonlocal not_compared
        for split, each in answered:
            if not np.isfinite(each.probability).all():
                not_compared += 1
                continue
            found = _contradicted(split, each, point, task)
            every.append(found.doubtful)
            if found.doubtful.doubt:
                yield found

    worst = nsmallest(MOST_SHOWN, passing(), key=lambda each: each.doubtful.rank)
    return LookedAt(sorted(every, key=lambda each: each.rank), worst, not_compared)


def write_doubtful(path: Path, labels: Iterable[Doubtful]) -> None:
    """Writes a row per label and class, in the order of the labels; nothing where there is none."""
    rows = [*_rows(labels)]
    with path.open("w", newline="", encoding="utf-8") as file:
        if rows:
            writer = csv.DictWriter(file, rows[0])
            writer.writeheader()
            writer.writerows(rows)


def _rows(labels: Iterable[Doubtful]) -> Iterator[dict[str, Any]]:
    for rank, each in enumerate(labels, 1):
        for name, found in each.classes.items():
            own = {f"class_{key}": value for key, value in asdict(found).items()}
            yield {"rank": rank, **each.named, "doubt": each.doubt, "class": name, **own}


def _contradicted(split: str, each: Answered, point: OperatingPoint, task: Task) -> Contradicted:
    predicted = point.mask(each.probability, task, each.scale)
    classes = {
        name: _class_doubt(Comparison(each.truth, predicted, index, task.of_class(each.probability, index)))
        for index, name in enumerate(task.classes, 1)
    }
    source = each.source
    found = Doubtful(source.id, source.group, source.source, source.label, split, classes)
    return Contradicted(found, source, predicted)


def _class_doubt(seen: Comparison) -> ClassDoubt:
    found = sums(seen)
    if found is None:
        raise ValueError("a label is doubted by probabilities, found none")
    return ClassDoubt(doubt(seen), soft_dice(found), found.true, found.predicted)
