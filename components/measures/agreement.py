"""Whether two ways of predicting the same cases come to the same mean."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import gammaincinv

from components.measures.interval import TAIL, interval
from components.measures.summary import TOO_FEW, macro_mean, no_interval

MARGIN = 0.005
"""The mean Dice may change by so much."""
_ENDS = (-1.0, 1.0)
"""Of a difference of two shares."""


@dataclass(frozen=True)
class Agreement:
    """What is known of the mean change."""

    agrees: bool
    reason: str
    mean: float | None
    ci95: tuple[float, float] | None
    margin: float
    n: int
    """Cases."""
    groups: int
    least_groups: int
    """With fewer nothing can be shown, see `least_groups`."""

    def numbers(self) -> dict[str, Any]:
        """What it is told by, as JSON has it."""
        return {
            "change": {"mean": self.mean, "ci95": self.ci95 and [*self.ci95], "n": self.n},
            "margin": self.margin,
            "groups": self.groups,
            "least_groups": self.least_groups,
        }


def agreement(changes: np.ndarray, groups: Sequence[str], margin: float = MARGIN) -> Agreement:
    """Whether the 95 % interval of the mean change lies within `margin` of none.

    Args:
        changes: of a share, such as Dice, case by case: float64 `(classes, cases)` in -1..1, NaN where undefined.
        groups: of each case.
        margin: in 0..1.
    """
    mean, n = macro_mean(changes)
    counted = len(set(np.asarray(groups)[~np.isnan(changes).all(axis=0)].tolist()))
    ends = None if no_interval(changes, groups, _ENDS) else interval(changes, groups, _ENDS)
    least = least_groups(margin, int((~np.isnan(changes)).any(axis=1).sum()))
    agrees = ends is not None and -margin <= ends[0] and ends[1] <= margin
    reason = _reason(agrees, mean, ends, margin, counted, least)
    return Agreement(agrees, reason, mean, ends, margin, n, counted, least)


def least_groups(margin: float, classes: int = 1) -> int:
    """With how many groups of a case each the interval is within `margin` where nothing changes at all.

    What is left of it is the group that nobody has seen, by its share of the weights: of each of K classes an
    exponential number over the sum of n of them, so that the 97.5 % quantile is that of Gamma(K), over K n.
    """
    classes = max(1, classes)
    return math.ceil(gammaincinv(classes, 1 - TAIL) / (classes * margin))


def _reason(
    agrees: bool,
    mean: float | None,
    ends: tuple[float, float] | None,
    margin: float,
    groups: int,
    least: int,
) -> str:
    told = "nothing could be measured" if mean is None else f"the mean changes by {mean:+.4f}"
    told += f" (95 % CI {ends[0]:+.4f} to {ends[1]:+.4f}, {groups} groups)" if ends else f", {groups} groups"
    if agrees:
        return f"{told}: within ±{margin:g}"
    if mean is not None and abs(mean) > margin:
        return f"{told}: more than ±{margin:g}"
    if groups < least:
        return f"{TOO_FEW}: {told}; ±{margin:g} takes some {least} groups even where nothing changes"
    return f"{told}: it may be more than ±{margin:g}"
