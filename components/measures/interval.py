"""Intervals of a mean that hold also for what no case has shown yet."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

Range = tuple[float, float]
"""The least and the largest value that a measure can have."""

LEAST_GROUPS = 8
"""With fewer there is no interval."""
TAIL = 0.025
"""What lies beyond each end of a 95 % interval."""

_DRAWS_BEYOND = 200
"""Resamples beyond each end, so that it is known to some 7 % of its tail."""
_MOST_DRAWS = 1_000_000
"""For tails of less than 2 in 10,000 fewer lie beyond."""
_AT_ONCE = 4_000_000
"""Weights in memory."""


def interval(values: np.ndarray, groups: Sequence[str], ends: Range, tail: float = TAIL) -> Range | None:
    """Where the macro mean lies, of other groups of the same kind; None of fewer than `LEAST_GROUPS` groups.

    Groups (patients) are weighted by a Bayesian bootstrap, and one more joins them that nobody has seen: for the lower
    end at the least value, for the upper at the largest, and as large as the largest, since bad groups may be the large
    ones. Of one class, with a case in each group, these are the bounds of Gaffke (2005, "Three test statistics for a
    nonparametric one-sided hypothesis on the mean of a nonnegative variable"), which are those of Clopper and Pearson
    where values are 0 and 1. They lie within `ends` always. What they cover: `benchmarks/coverage.py`.

    Args:
        values: float64 `(classes, cases)`, NaN where undefined; of differences, too.
        groups: of each case. One without any value does not count.
        ends: of one value.
        tail: how likely the mean is to lie below the lower end, and above the upper one.
    """
    if group_count(values, groups) < LEAST_GROUPS:
        return None
    counted = ~np.isnan(values).all(axis=0)
    _, members = np.unique(np.asarray(groups)[counted], return_inverse=True)
    kept = values[~np.isnan(values).all(axis=1)][:, counted]
    totals = np.array([np.bincount(members, np.nan_to_num(row)) for row in kept])
    counts = np.array([np.bincount(members, ~np.isnan(row)) for row in kept])
    draws = min(int(np.ceil(_DRAWS_BEYOND / tail)), _MOST_DRAWS)
    drawn_totals, drawn_counts, unseen = _resampled(totals, counts, draws)
    low, high = (((drawn_totals + unseen * end) / (drawn_counts + unseen)).mean(axis=0) for end in ends)
    return float(np.quantile(low, tail)), float(np.quantile(high, 1 - tail))


def group_count(values: np.ndarray, groups: Sequence[str]) -> int:
    """Groups with a value in any class."""
    return len(set(np.asarray(groups)[~np.isnan(values).all(axis=0)].tolist()))


def _resampled(totals: np.ndarray, counts: np.ndarray, draws: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Totals, counts and cases of the unseen group, `(classes, draws)` each; always with the same weights.

    Exponential weights, of which ratios are taken, are uniform on the simplex. Some groups at a time: of a thousand
    groups all weights would not fit.
    """
    rng = np.random.default_rng(0)
    unseen = counts.max(axis=1, keepdims=True) * rng.standard_exponential(draws)
    sums = np.zeros((2 * len(totals), draws))
    parts = np.concatenate([totals, counts])
    for begin in range(0, parts.shape[1], step := max(1, _AT_ONCE // draws)):
        some = parts[:, begin : begin + step]
        sums += some @ rng.standard_exponential((some.shape[1], draws))
    drawn_totals, drawn_counts = np.split(sums, 2)
    return drawn_totals, drawn_counts, unseen
