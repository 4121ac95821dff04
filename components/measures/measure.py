"""What a measure is: a number by which a prediction is judged, and how it is read."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Generic, Literal, Self, TypeAlias, TypeVar

from components.measures.comparison import Comparison
from components.measures.confusion import Confusion
from components.measures.interval import Range

EmptyMasks: TypeAlias = Literal["skip", "zero_if_predicted"]
"""What a measure of overlap is where the truth has no pixel of the class: undefined, or what its function says."""
Family: TypeAlias = Literal["overlap", "surface", "lesions", "calibration", "background", "training"]
"""What it judges by, as tables are ordered. `background`: it is ruled by pixels that nobody asked for."""
Fact = TypeVar("Fact")
SHARE: Range = (0.0, 1.0)
CORRELATION: Range = (-1.0, 1.0)


@dataclass(frozen=True, kw_only=True)
class Measure:
    """A number of a case, or of all cases."""

    name: str
    """By which configs and files call it."""
    title: str
    """As people read it."""
    higher_is_better: bool
    unit: str = ""
    """Empty for ratios; of distances `px`, where an evaluation does not measure them in another."""
    range: Range | None = None
    """Without one, as of a loss or of distances, there are no intervals: nothing bounds what an unseen case does."""
    family: Family = "overlap"
    undefined: str = ""
    """Where it is NaN, and left out of the mean, in words; empty: nowhere."""
    of_nothing: Callable[[Confusion], float] | None = None
    """What predicting nothing scores in a case, of the counts that it has; of a measure beside which that is told."""

    def measured_in(self, unit: str) -> Self:
        """As it is where distances are in another unit."""
        return replace(self, unit=unit) if self.unit == "px" else self

    @property
    def range_of_changes(self) -> Range | None:
        """The same of the difference of two values."""
        return self.range and (self.range[0] - self.range[1], self.range[1] - self.range[0])

    def described(self) -> dict[str, Any]:
        """What readers of a file that has its numbers need to know."""
        return {
            "title": self.title,
            "unit": self.unit,
            "higher_is_better": self.higher_is_better,
            "family": self.family,
            "undefined": self.undefined,
        }


@dataclass(frozen=True, kw_only=True)
class ClassMeasure(Measure, Generic[Fact]):
    """A number of a class in a case, from a fact that is found once for all measures that share it."""

    fact: Callable[[Comparison], Fact | None]
    """What it is of, such as counts of pixels; None where that is not known, and the measure undefined."""
    of: Callable[[Fact], float]
    """NaN where it is undefined, as `undefined` says."""
    by_empty_masks: bool = False
    """Whether it is undefined where truth is empty and `empty_masks` is `skip`; else `of` says what that is worth."""

    def value(self, seen: Comparison, empty_masks: EmptyMasks) -> float:
        """Of one class in one image."""
        if self.by_empty_masks and empty_masks == "skip" and not seen.true.any():
            return math.nan
        known = seen.fact(self.fact)
        return math.nan if known is None else self.of(known)


@dataclass(frozen=True, kw_only=True)
class CasesMeasure(Measure):
    """A number of a class that cases have together, from numbers of each."""

    needs: tuple[str, ...]
    """Measures of a class in a case, or counts of its pixels: `tp`, `fp`, `fn` and `tn`."""
    of: Callable[..., float]
    """Of float64 `(cases,)` for each of them, of those cases where all are defined; NaN where it is undefined."""


def trained_loss(name: str) -> Measure:
    """The loss that was trained, of a whole image."""
    return Measure(name=name, title="loss", higher_is_better=False, family="training")
