"""What confidence and probabilities are worth over all cases, as points to be drawn."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from components.evaluator.per_case import Case
from components.evaluator.values import needed
from components.measures.selection import RISK_COVERAGE_AREA, risk_coverage

_MOST_POINTS = 100
"""Of a curve that is written."""


def risk_coverage_points(cases: Sequence[Case], name: str) -> list[list[float]]:
    """Points of the curve of a class, coverage and risk; of many cases some of them, the last among them."""
    coverage, risk = risk_coverage(*needed(cases, RISK_COVERAGE_AREA, name))
    shown = np.unique(np.linspace(0, len(risk) - 1, min(len(risk), _MOST_POINTS)).round().astype(int))
    return np.stack([coverage[shown], risk[shown]], axis=1).tolist()


def reliability(cases: Sequence[Case], name: str) -> dict[str, list[float]] | None:
    """Of a class in ten bins of probability, over the pixels near the foreground of all cases: the `pixels`, the sum of
    their probabilities (`expected`) and how many are `true`; None where no case knows them."""
    known = [bins for case in cases if (bins := case.classes[name].bins) is not None]
    return dict(zip(("pixels", "expected", "true"), np.sum(known, axis=0).tolist(), strict=True)) if known else None
