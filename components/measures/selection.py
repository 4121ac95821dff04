"""Whether confidence tells which cases to look at: over all cases that have a confidence and a Dice."""

from __future__ import annotations

import math

import numpy as np
import scipy

from components.measures.calibration import CONFIDENCE
from components.measures.measure import CasesMeasure
from components.measures.overlap import DICE

_FEWEST = 3


def rank_correlation(confidence: np.ndarray, dice: np.ndarray) -> float:
    """Spearman's, of float64 `(cases,)` both; NaN of fewer than 3 cases, and where one of the two never changes."""
    if len(dice) < _FEWEST or np.ptp(confidence) == 0 or np.ptp(dice) == 0:
        return math.nan
    return float(np.corrcoef(scipy.stats.rankdata(confidence), scipy.stats.rankdata(dice))[0, 1])


def risk_coverage(confidence: np.ndarray, dice: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The share of cases that is kept, most confident first, and the mean of 1 - Dice of those, float64 `(cases,)`.

    Of equally confident cases each has the mean of all, so that their order does not matter (Geifman and El-Yaniv
    2017, arXiv 1705.08500).
    """
    _, level, sizes = np.unique(-confidence, return_inverse=True, return_counts=True)
    risks = np.repeat(np.bincount(level, 1 - dice) / sizes, sizes)
    kept = np.arange(1, len(dice) + 1)
    return kept / len(dice), np.cumsum(risks) / kept


def risk_coverage_area(confidence: np.ndarray, dice: np.ndarray) -> float:
    """The mean of the risks of `risk_coverage`; NaN without cases."""
    return float(risk_coverage(confidence, dice)[1].mean()) if len(dice) else math.nan


CONFIDENCE_RANK = CasesMeasure(
    name="confidence_rank",
    title="rank correlation of confidence and Dice",
    higher_is_better=True,
    family="calibration",
    undefined="fewer than 3 cases have both, or all have the same",
    needs=(CONFIDENCE.name, DICE.name),
    of=rank_correlation,
)
RISK_COVERAGE_AREA = CasesMeasure(
    name="risk_coverage_area",
    title="area under the risk-coverage curve",
    higher_is_better=False,
    family="calibration",
    undefined="no case has both a confidence and a Dice",
    needs=(CONFIDENCE.name, DICE.name),
    of=risk_coverage_area,
)
