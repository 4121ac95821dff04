"""The values of a measure, by class and case."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from components.evaluator.per_case import Case
from components.measures.measure import Measure, PixelMeasure


def values_of(cases: Sequence[Case], measure: Measure, classes: Sequence[str]) -> np.ndarray:
    """float64 `(classes, cases)`, NaN where undefined; of what is no measure of a class, such as a loss, one row."""
    rows = classes if isinstance(measure, PixelMeasure) else classes[:1]
    values = [[case.classes[name].values[measure.name] for case in cases] for name in rows]
    return np.array(values, np.float64).reshape(len(rows), len(cases))
