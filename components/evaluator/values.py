"""The values of a measure, by class and case."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from components.evaluator.per_case import Case
from components.measures.measure import ClassMeasure, Measure


def values_of(cases: Sequence[Case], measure: Measure, classes: Sequence[str]) -> np.ndarray:
    """float64 `(classes, cases)`, NaN where undefined; of what is no measure of a class, such as a loss, one row."""
    rows = classes if isinstance(measure, ClassMeasure) else classes[:1]
    values = [[case.classes[name].values.get(measure.name, math.nan) for case in cases] for name in rows]
    return np.array(values, np.float64).reshape(len(rows), len(cases))


def changes_of(cases: Sequence[Case], champion: Sequence[Case], measure: Measure, classes: Sequence[str]) -> np.ndarray:
    """As `values_of`: the values of the cases less those of the champion.

    Raises:
        ValueError: the champion's are not the same cases in the same order.
    """
    if [case.id for case in cases] != [case.id for case in champion]:
        raise ValueError("the champion was measured on other cases: expected the same ones in the same order")
    return values_of(cases, measure, classes) - values_of(champion, measure, classes)
