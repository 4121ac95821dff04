"""A measure over cases: mean over classes of the classes' means, with an interval by patients."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from components.measures.interval import LEAST_GROUPS, Range, group_count, interval

TOO_FEW = "too few groups to say"
UNBOUNDED = "none: values have no bounds"
TOGETHER = "none: a number of all cases together"


def macro_mean(values: np.ndarray) -> tuple[float | None, int]:
    """The mean over classes of the means of their cases, None where nothing is defined, and the number of cases.

    Args:
        values: float64 `(classes, cases)`, NaN where undefined. A class without any value is left out; a case counts
            that has a value in any class.
    """
    classes = _defined(values)
    mean = float(np.mean([numbers.mean() for numbers in classes])) if classes else None
    return mean, int(np.count_nonzero(~np.isnan(values).all(axis=0)))


def distribution(values: np.ndarray, groups: Sequence[str], ends: Range | None) -> dict[str, Any]:
    """`mean` and `n` as `macro_mean` has them, likewise the `median`, and `ci95` of the mean or why there is `no_ci95`.

    A median has no interval: none has been shown to cover.

    Args:
        values: float64 `(classes, cases)`, NaN where undefined.
        groups: of each case.
        ends: between which a value lies; None where nothing bounds it.
    """
    mean, n = macro_mean(values)
    if mean is None:
        return {"mean": None, "median": None, "ci95": None, "no_ci95": None, "n": 0}
    missing = no_interval(values, groups, ends)
    return {
        "mean": mean,
        "median": float(np.mean([np.median(numbers) for numbers in _defined(values)])),
        "ci95": None if missing or ends is None else interval(values, groups, ends),
        "no_ci95": missing,
        "n": n,
    }


def no_interval(values: np.ndarray, groups: Sequence[str], ends: Range | None) -> str | None:
    """Why `interval` has none, in words for people; None where it has one."""
    if ends is None:
        return UNBOUNDED
    return TOO_FEW if group_count(values, groups) < LEAST_GROUPS else None


def _defined(values: np.ndarray) -> list[np.ndarray]:
    """The numbers of each class that has any."""
    numbers = [row[~np.isnan(row)] for row in values]
    return [row for row in numbers if row.size]
