"""What a measure is: a number by which a prediction is judged, and how it is read."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from components.measures.confusion import Confusion
from components.measures.interval import Range

EmptyMasks: TypeAlias = Literal["skip", "zero_if_predicted"]
"""What a measure of overlap is where the truth has no pixel of the class: undefined, or what its function says."""


@dataclass(frozen=True, kw_only=True)
class Measure:
    """A number of a case."""

    name: str
    """By which configs and files call it."""
    title: str
    """As people read it."""
    higher_is_better: bool
    unit: str = ""
    """Empty for ratios."""
    range: Range | None = None
    """Without one, as of a loss or of distances, there are no intervals: nothing bounds what an unseen case does."""

    @property
    def range_of_changes(self) -> Range | None:
        """The same of the difference of two values."""
        return self.range and (self.range[0] - self.range[1], self.range[1] - self.range[0])

    def described(self) -> dict[str, Any]:
        """What readers of a file that has its numbers need to know."""
        return {"title": self.title, "unit": self.unit, "higher_is_better": self.higher_is_better}


@dataclass(frozen=True, kw_only=True)
class PixelMeasure(Measure):
    """A number of a class in a case, from its counts of pixels."""

    of: Callable[[Confusion], float]
    """Where truth is empty it says 1 if nothing is predicted and 0 otherwise, or what such cases are worth to it."""

    def value(self, counts: Confusion, empty_masks: EmptyMasks) -> float:
        """NaN where the truth has no pixel of the class and `empty_masks` is `skip`."""
        left_out = counts.truth_pixels == 0 and empty_masks == "skip"
        return math.nan if left_out else self.of(counts)


def trained_loss(name: str) -> Measure:
    """The loss that was trained, of a whole image."""
    return Measure(name=name, title="loss", higher_is_better=False)
