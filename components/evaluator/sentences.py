"""What a limit is held against, and what is said of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from components.evaluator.settings import Asked
from components.measures.interval import LEAST_GROUPS, Range
from components.measures.measure import Measure
from components.measures.summary import TOO_FEW


@dataclass(frozen=True)
class Found:
    """A mean, and how sure it is."""

    mean: float | None
    n: int
    """Cases with a value."""
    groups: int
    """Of these."""
    interval: Range | None
    """None of too few groups, and of what nothing bounds."""
    tail: float
    """Beyond each end of the interval."""
    true: int = 0
    """Cases of which the truth has the class."""
    true_groups: int = 0
    """Of these."""

    def as_json(self) -> dict[str, Any]:
        level = 1 - 2 * self.tail
        return {"mean": self.mean, "n": self.n, "groups": self.groups, "interval": self.interval, "level": level}


@dataclass(frozen=True)
class Held:
    """A limit, what was found of it, and the champion where there is one."""

    asked: Asked
    measure: Measure
    found: Found
    champion: str | None

    @property
    def bounds(self) -> tuple[float | None, float | None]:
        """Lowest and highest value that meet the limit."""
        limit = self.asked.limit
        if not limit.change:
            return limit.at_least, limit.at_most
        return (0 - limit.margin, None) if self.measure.higher_is_better else (None, limit.margin)

    @property
    def worst(self) -> float | None:
        """The end of the interval that speaks against the candidate."""
        return self.found.interval and self.found.interval[self.bounds[0] is None]

    @property
    def value(self) -> float | None:
        """What is held against the bounds."""
        return self.found.mean if self.asked.limit.bound == "mean" else self.worst

    @property
    def too_few(self) -> str | None:
        """Why there are too few cases; None where there are enough."""
        limit, found, measured = self.asked.limit, self.found, self._measured
        if found.n == 0 and limit.slice is not None:
            return f"{measured} is defined for no test case: none of {limit.slice} has a value of it"
        if found.n < limit.least_n:
            key = self.asked.key or "least_n"
            return f"{measured} is defined for {found.n} test cases, {key} asks for {limit.least_n}"
        if limit.bound == "lower" and found.interval is None:
            return f"{measured} has values of {found.groups} groups: {TOO_FEW}, {LEAST_GROUPS} are needed"
        return None

    @property
    def few_are_there(self) -> bool:
        """Whether the truth has too few cases, whatever the candidate makes of them: one that predicts nothing leaves
        distances and precision undefined, and must not pass by it."""
        limit, found = self.asked.limit, self.found
        return found.true < max(1, limit.least_n) or (limit.bound == "lower" and found.true_groups < LEAST_GROUPS)

    @property
    def _measured(self) -> str:
        picked = ", ".join(part for part in (self.asked.limit.class_, self.asked.limit.slice) if part is not None)
        return f"{self.measure.title} ({picked})" if picked else self.measure.title

    @property
    def what(self) -> str:
        under = self.asked.limit.under
        return f"change of the mean {self._measured} under {under}" if under else f"mean {self._measured}"

    @property
    def number(self) -> str:
        """The mean, and the end of its interval where that is held."""
        sign, mean = "+" if self.asked.limit.change or self.asked.limit.under else "", self.found.mean
        if mean is None:
            return "undefined"
        number = f"{mean:{sign}.4f} {self.measure.unit}".rstrip()
        if self.asked.limit.bound == "mean":
            return number
        return f"{number}, {'upper' if self.bounds[0] is None else 'lower'} end {self.value:{sign}.4f},"

    @property
    def resolution(self) -> str:
        """The smallest difference that the cases can show: from the mean to the end that speaks against it."""
        found, worst = self.found, self.worst
        if found.mean is None or self.measure.range is None:
            return ""
        if worst is None:
            return f"; {TOO_FEW} how sure that is ({found.groups})"
        smallest, level = abs(found.mean - worst), 100 * (1 - 2 * found.tail)
        return f"; {found.groups} groups can show differences from {smallest:.3f} on ({level:.4g} % interval)"


def sentence(held: Held, met: bool) -> str:
    """What was found and what is asked for, and how small a difference can be seen at all."""
    limit, key = held.asked
    if few := held.too_few:
        return f'{few}; too_few = "pass"' if met else few
    if limit.change:
        return f"{_change(held)}{held.resolution}"
    low = limit.at_least is not None
    bound = f"{key or ('at_least' if low else 'at_most')} {limit.at_least if low else limit.at_most:g}"
    if met:
        return f"{held.what} {held.number} of {held.found.n} test cases meets {key or bound}{held.resolution}"
    return f"{held.what} {held.number} is {'below' if low else 'above'} {bound}{held.resolution}"


def _change(held: Held) -> str:
    limit, key = held.asked
    lowest, highest = held.bounds
    asks = f"{key or f'margin {limit.margin:g}'} asks for {highest if lowest is None else lowest:+g}"
    return f"{held.what} changes by {held.number.rstrip(',')} against the champion {held.champion}, {asks}"
