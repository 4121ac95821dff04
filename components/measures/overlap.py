"""Overlap of a predicted and a true class, per image."""

from __future__ import annotations

import math

from components.measures.confusion import Confusion, counts
from components.measures.measure import SHARE, ClassMeasure

_NOTHING_TRUE = "the truth has nothing of the class"
BY_EMPTY_MASKS = f"{_NOTHING_TRUE}, unless empty_masks is zero_if_predicted: then 1 if nothing is predicted, else 0"


def dice(counts: Confusion) -> float:
    """2 TP / (2 TP + FP + FN); 1 when truth and prediction are both empty (Dice 1945)."""
    return ratio(2 * counts.tp, 2 * counts.tp + counts.fp + counts.fn, empty=1.0)


def iou(counts: Confusion) -> float:
    """TP / (TP + FP + FN); 1 when truth and prediction are both empty (Jaccard 1912)."""
    return ratio(counts.tp, counts.tp + counts.fp + counts.fn, empty=1.0)


def sensitivity(counts: Confusion) -> float:
    """TP / (TP + FN): the share of the truth that is predicted; NaN when truth is empty."""
    return ratio(counts.tp, counts.truth_pixels)


def precision(counts: Confusion) -> float:
    """TP / (TP + FP): the share of the prediction that is true; NaN when nothing is predicted."""
    return ratio(counts.tp, counts.predicted_pixels)


def ratio(numerator: float, denominator: float, empty: float = math.nan) -> float:
    """`empty` where there is nothing to divide by."""
    return numerator / denominator if denominator else empty


DICE = ClassMeasure(
    name="dice",
    title="Dice",
    higher_is_better=True,
    range=SHARE,
    undefined=BY_EMPTY_MASKS,
    fact=counts,
    of=dice,
    by_empty_masks=True,
)
IOU = ClassMeasure(
    name="iou",
    title="IoU",
    higher_is_better=True,
    range=SHARE,
    undefined=BY_EMPTY_MASKS,
    fact=counts,
    of=iou,
    by_empty_masks=True,
)
SENSITIVITY = ClassMeasure(
    name="sensitivity",
    title="sensitivity",
    higher_is_better=True,
    range=SHARE,
    undefined=_NOTHING_TRUE,
    fact=counts,
    of=sensitivity,
)
PRECISION = ClassMeasure(
    name="precision",
    title="precision",
    higher_is_better=True,
    range=SHARE,
    undefined="nothing of the class is predicted",
    fact=counts,
    of=precision,
)
