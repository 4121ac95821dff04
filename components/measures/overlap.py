"""Overlap of a predicted and a true class, per image."""

from __future__ import annotations

from components.measures.confusion import Confusion
from components.measures.measure import PixelMeasure


def dice(counts: Confusion) -> float:
    """2 TP / (2 TP + FP + FN); 1 when truth and prediction are both empty (Dice 1945)."""
    return _ratio(2 * counts.tp, 2 * counts.tp + counts.fp + counts.fn)


def iou(counts: Confusion) -> float:
    """TP / (TP + FP + FN); 1 when truth and prediction are both empty (Jaccard 1912)."""
    return _ratio(counts.tp, counts.tp + counts.fp + counts.fn)


def _ratio(numerator: int, denominator: int) -> float:
    return numerator / denominator if denominator else 1.0


DICE = PixelMeasure(name="dice", title="Dice", higher_is_better=True, range=(0.0, 1.0), of=dice)
IOU = PixelMeasure(name="iou", title="IoU", higher_is_better=True, range=(0.0, 1.0), of=iou)
