"""Which cases the report shows, and in which order it lists them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from itertools import islice
from statistics import fmean

from components.evaluator.per_case import Case
from components.measures.calibration import CONFIDENCE
from components.measures.measure import Measure

MAX_FALSE_ALARMS = 2


def select_cases(cases: Iterable[Case], measure: Measure) -> list[tuple[str, Case]]:
    """The cases to show, each once, with a title: worst, median, best, least confident, the largest false alarms.

    Of an even number the median is the worse one of the middle. Equal scores stand in the order of the ids.
    """
    order = worst_first(cases, measure)
    shown: dict[str, tuple[str, Case]] = {case.id: (title, case) for title, case in _ranked(order, measure)}
    if doubtful := least_confident(order):
        title, _ = shown.get(doubtful.id, ("", doubtful))
        shown[doubtful.id] = (f"{title}, least confident" if title else "Least confident", doubtful)
    alarms = [case for case in order if case.is_false_alarm and case.id not in shown]
    alarms.sort(key=lambda case: -case.predicted_pixels)
    return [*shown.values(), *(("Nothing there, yet predicted", case) for case in islice(alarms, MAX_FALSE_ALARMS))]


def _ranked(order: list[Case], measure: Measure) -> Iterator[tuple[str, Case]]:
    scored = [case for case in order if not math.isnan(case.value(measure.name))]
    # By rank: of fewer than three cases one has several ranks, and keeps the first title.
    titles = {len(scored) - 1: "Best", (len(scored) - 1) // 2: "Median", 0: "Worst"}
    for rank, title in sorted(titles.items()):
        if scored:
            yield title, scored[rank]


def worst_first(cases: Iterable[Case], measure: Measure) -> list[Case]:
    """By a measure; undefined ones last, among them those with the most false pixels first."""

    def rank(case: Case) -> tuple[bool, float, str]:
        value = case.value(measure.name)
        if math.isnan(value):
            return True, -case.predicted_pixels, case.id
        return False, value if measure.higher_is_better else -value, case.id

    return sorted(cases, key=rank)


def confidence(case: Case) -> float:
    """The mean over the classes that are predicted in a case; NaN where none is. What predicts nothing, and is 0 for
    that, has no doubt about it."""
    predicted = [scores for scores in case.classes.values() if scores.counts.predicted_pixels]
    found = [scores.values.get(CONFIDENCE.name, math.nan) for scores in predicted]
    known = [value for value in found if not math.isnan(value)]
    return fmean(known) if known else math.nan


def least_confident(cases: Iterable[Case]) -> Case | None:
    """Of equals the first; None where no confidence is known."""
    known = [case for case in cases if not math.isnan(confidence(case))]
    return min(known, key=confidence, default=None)
