"""A measure over cases: mean over classes of the classes' means, with an interval by patients."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.stats import bootstrap


def macro_mean(values: np.ndarray) -> tuple[float | None, int]:
    """The mean over classes of the means of their cases, None where nothing is defined, and the number of cases.

    Args:
        values: float64 `(classes, cases)`, NaN where undefined. A class without any value is left out; a case counts
            that has a value in any class.
    """
    classes = _defined(values)
    mean = float(np.mean([numbers.mean() for numbers in classes])) if classes else None
    return mean, int(np.count_nonzero(~np.isnan(values).all(axis=0)))


def distribution(values: np.ndarray, groups: Sequence[str]) -> dict[str, Any]:
    """`mean` and `n` as `macro_mean` has them, likewise the `median`, and `ci95` of the mean.

    Args:
        values: float64 `(classes, cases)`, NaN where undefined.
        groups: of each case.
    """
    mean, n = macro_mean(values)
    if mean is None:
        return {"mean": None, "median": None, "ci95": None, "n": 0}
    return {
        "mean": mean,
        "median": float(np.mean([np.median(numbers) for numbers in _defined(values)])),
        "ci95": _confidence_interval(values, groups),
        "n": n,
    }


def _defined(values: np.ndarray) -> list[np.ndarray]:
    """The numbers of each class that has any."""
    numbers = [row[~np.isnan(row)] for row in values]
    return [row for row in numbers if row.size]


def _confidence_interval(values: np.ndarray, groups: Sequence[str]) -> list[float] | None:
    """95 % percentile bootstrap interval of the macro mean, 2000 resamples, always the same ones.

    Groups (patients) are drawn, not cases: images of one patient, or tiles of one slide, are no independent evidence
    (cluster bootstrap, Davison and Hinkley 1997, section 3.8).
    """
    counted = ~np.isnan(values).all(axis=0)
    _, members = np.unique(np.asarray(groups)[counted], return_inverse=True)
    if members.max() == 0:
        return None
    kept = values[:, counted]
    totals = [np.bincount(members, np.nan_to_num(row)) for row in kept]
    counts = [np.bincount(members, ~np.isnan(row)) for row in kept]
    result = bootstrap(
        (*totals, *counts), _mean_of_means, n_resamples=2000, method="percentile", paired=True, random_state=0
    )
    return [float(result.confidence_interval.low), float(result.confidence_interval.high)]


def _mean_of_means(*sums: np.ndarray, axis: int) -> np.ndarray:
    """Of the totals of each class, then its counts, by group; a class that a resample lacks is left out of it."""
    drawn = np.array([part.sum(axis) for part in sums])
    totals, counts = np.split(drawn, 2)
    with np.errstate(invalid="ignore"):
        means: np.ndarray = np.nanmean(totals / counts, axis=0)
    return means
