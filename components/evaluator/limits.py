"""Whether limits are met, and what is said of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import compress
from typing import Any

import numpy as np

from components.evaluator.per_case import Case
from components.evaluator.settings import Asked, EvaluatorSettings, Limit
from components.evaluator.slices import sliced
from components.evaluator.values import change_together, changes_of, together, values_of
from components.measures.measure import CasesMeasure, Measure
from components.measures.summary import macro_mean

_ROUNDING = 1e-9
"""The mean of 0.6 and 0.7 is a hair below 0.65, and meets it all the same."""


@dataclass(frozen=True)
class Champion:
    """The served model, measured on the same cases in the same order."""

    version: str
    cases: Sequence[Case]


@dataclass(frozen=True)
class Judged:
    """A limit held against the test cases."""

    asked: Asked
    value: float | None
    """None: undefined, or a change where there is no champion."""
    n: int
    met: bool
    sentence: str

    def as_json(self) -> dict[str, Any]:
        """The limit, the short form of it, and what came of it."""
        found = {"value": self.value, "n": self.n, "met": self.met, "sentence": self.sentence}
        return {"key": self.asked.key, **self.asked.limit.model_dump(), **found}


def judged(
    asked: Asked,
    cases: Sequence[Case],
    champion: Champion | None,
    settings: EvaluatorSettings,
    obstacle: str | None = None,
) -> Judged:
    """Holds a limit against the cases; an undefined number meets none. `obstacle` is why a champion is not there."""
    limit = asked.limit
    if limit.change and champion is None:
        sentence = f"not compared: {obstacle}" if obstacle else "there is no champion to compare with"
        return Judged(asked, None, 0, obstacle is None, sentence)
    measure = next(measure for measure in settings.measures if measure.name == limit.measure)
    value, n = _found(limit, measure, cases, champion, settings)
    lowest, highest = _bounds(limit, measure)
    met = (
        n >= limit.least_n
        and value is not None
        and (lowest is None or value >= lowest - _ROUNDING)
        and (highest is None or value <= highest + _ROUNDING)
    )
    return Judged(asked, value, n, met, _sentence(asked, measure, champion, value, n, met))


def _found(
    limit: Limit, measure: Measure, cases: Sequence[Case], champion: Champion | None, settings: EvaluatorSettings
) -> tuple[float | None, int]:
    """The mean that the limit is about, and the number of cases that it is of."""
    classes = [limit.class_] if limit.class_ is not None else settings.task.classes
    belongs = sliced(limit.slice) if limit.slice is not None else lambda case: True
    chosen = np.array([belongs(case) for case in cases], bool)
    if isinstance(measure, CasesMeasure):
        of, against = (list(compress(each, chosen)) for each in (cases, champion.cases if champion else ()))
        return change_together(of, against, measure, classes) if limit.change else together(of, measure, classes)
    if limit.change and champion:
        values = changes_of(cases, champion.cases, measure, classes)
    else:
        values = values_of(cases, measure, classes)
    return macro_mean(values[:, chosen])


def _bounds(limit: Limit, measure: Measure) -> tuple[float | None, float | None]:
    """Lowest and highest value that meet a limit."""
    if not limit.change:
        return limit.at_least, limit.at_most
    return (0 - limit.margin, None) if measure.higher_is_better else (None, limit.margin)


def _sentence(asked: Asked, measure: Measure, champion: Champion | None, value: float | None, n: int, met: bool) -> str:
    limit, key = asked
    picked = ", ".join(part for part in (limit.class_, limit.slice) if part is not None)
    what = f"{measure.title} ({picked})" if picked else measure.title
    if n == 0 and limit.slice is not None:
        return f"{what} is defined for no test case: none of {limit.slice} has a value of it"
    if n < limit.least_n:
        return f"{what} is defined for {n} test cases, {key or 'least_n'} asks for {limit.least_n}"
    number = _number(value, measure.unit, "+" if limit.change else "")
    if limit.change and champion:
        asks = f"{key or f'margin {limit.margin:g}'} asks for {_bound(limit, measure):+g}"
        return f"mean {what} changes by {number} against the champion {champion.version}, {asks}"
    low = limit.at_least is not None
    bound = f"{key or ('at_least' if low else 'at_most')} {_bound(limit, measure):g}"
    if met:
        return f"mean {what} {number} of {n} test cases meets {key or bound}"
    return f"mean {what} {number} is {'below' if low else 'above'} {bound}"


def _bound(limit: Limit, measure: Measure) -> float:
    """The one that is set."""
    lowest, highest = _bounds(limit, measure)
    return next(bound for bound in (lowest, highest) if bound is not None)


def _number(value: float | None, unit: str, sign: str) -> str:
    return "undefined" if value is None else f"{value:{sign}.4f} {unit}".rstrip()
