"""The values of a measure, by class and case, and what cases have of it together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from components.evaluator.per_case import Case
from components.measures.measure import CasesMeasure, ClassMeasure, Measure
from components.measures.summary import TOGETHER, distribution, macro_mean


def values_of(cases: Sequence[Case], measure: Measure, classes: Sequence[str]) -> np.ndarray:
    """float64 `(classes, cases)`, NaN where undefined; of what is no measure of a class, such as a loss, one row."""
    rows = classes if isinstance(measure, ClassMeasure) else classes[:1]
    values = [[_number(case, name, measure.name) for case in cases] for name in rows]
    return np.array(values, np.float64).reshape(len(rows), len(cases))


def changes_of(cases: Sequence[Case], champion: Sequence[Case], measure: Measure, classes: Sequence[str]) -> np.ndarray:
    """As `values_of`: the values of the cases less those of the champion.

    Raises:
        ValueError: the champion's are not the same cases in the same order.
    """
    if [case.id for case in cases] != [case.id for case in champion]:
        raise ValueError("the champion was measured on other cases: expected the same ones in the same order")
    return values_of(cases, measure, classes) - values_of(champion, measure, classes)


def needed(cases: Sequence[Case], measure: CasesMeasure, name: str) -> np.ndarray:
    """What a measure needs of a class, float64 `(numbers, n)`, of those cases where all of it is defined."""
    found = np.array([[_number(case, name, each) for case in cases] for each in measure.needs], np.float64)
    return found[:, ~np.isnan(found).any(axis=0)]


def together(cases: Sequence[Case], measure: CasesMeasure, classes: Sequence[str]) -> tuple[float | None, int]:
    """The mean over classes of what cases have together, None where it is defined for none; and how many cases."""
    numbers = [needed(cases, measure, name) for name in classes]
    values = [value for found in numbers if not math.isnan(value := measure.of(*found))]
    return (float(np.mean(values)) if values else None), max(found.shape[1] for found in numbers)


def summary(cases: Sequence[Case], measure: Measure, classes: Sequence[str]) -> dict[str, Any]:
    """As `distribution`; of what cases have together without median and interval.

    `nothing` is the mean that predicting nothing would have, beside measures that say so.
    """
    if isinstance(measure, CasesMeasure):
        found = _together(*together(cases, measure, classes))
    else:
        found = distribution(values_of(cases, measure, classes), [case.group for case in cases], measure.range)
    return found | {"nothing": macro_mean(_of_nothing(cases, measure, classes))[0]} if measure.of_nothing else found


def summary_of_changes(
    cases: Sequence[Case], champion: Sequence[Case], measure: Measure, classes: Sequence[str]
) -> dict[str, Any]:
    """As `summary`, of the differences to the champion."""
    if isinstance(measure, CasesMeasure):
        return _together(*change_together(cases, champion, measure, classes))
    return distribution(
        changes_of(cases, champion, measure, classes), [case.group for case in cases], measure.range_of_changes
    )


def change_together(
    cases: Sequence[Case], champion: Sequence[Case], measure: CasesMeasure, classes: Sequence[str]
) -> tuple[float | None, int]:
    """As `together`: what the cases have less what those of the champion have."""
    (ours, n), (theirs, _) = together(cases, measure, classes), together(champion, measure, classes)
    return (None if ours is None or theirs is None else ours - theirs), n


def _of_nothing(cases: Sequence[Case], measure: Measure, classes: Sequence[str]) -> np.ndarray:
    """What predicting nothing scores, float64 `(classes, cases)`; NaN where the measure is undefined for a case."""
    assert measure.of_nothing is not None
    scores = [[measure.of_nothing(case.classes[name].counts.of_nothing) for case in cases] for name in classes]
    scored = np.array(scores, np.float64).reshape(len(classes), len(cases))
    if isinstance(measure, ClassMeasure):
        scored[np.isnan(values_of(cases, measure, classes))] = math.nan
    return scored


def _together(value: float | None, n: int) -> dict[str, Any]:
    return {"mean": value, "median": None, "ci95": None, "no_ci95": None if value is None else TOGETHER, "n": n}


def _number(case: Case, name: str, measure: str) -> float:
    """Of a class in a case, by the name of a measure or of a count of pixels; NaN where it is undefined."""
    scores = case.classes[name]
    return scores.values.get(measure, getattr(scores.counts, measure, math.nan))
