"""Overlap of a predicted and a true foreground, per image. All measures are functions of four pixel counts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Confusion:
    """Pixel counts of one image; foreground is the positive class."""

    tp: int
    fp: int
    fn: int
    tn: int

    @property
    def truth_is_empty(self) -> bool:
        return self.tp + self.fn == 0

    @property
    def dice(self) -> float:
        """2 TP / (2 TP + FP + FN); 1 when truth and prediction are both empty (Dice 1945)."""
        return _ratio(2 * self.tp, 2 * self.tp + self.fp + self.fn)

    @property
    def iou(self) -> float:
        """TP / (TP + FP + FN); 1 when truth and prediction are both empty (Jaccard 1912)."""
        return _ratio(self.tp, self.tp + self.fp + self.fn)


def confusion(truth: np.ndarray, predicted: np.ndarray) -> Confusion:
    """Counts of two `(H, W)` arrays; any value above 0 is foreground."""
    true, positive = truth > 0, predicted > 0
    tp = int(np.count_nonzero(true & positive))
    fp = int(np.count_nonzero(positive)) - tp
    fn = int(np.count_nonzero(true)) - tp
    return Confusion(tp, fp, fn, true.size - tp - fp - fn)


def bce_dice(truth: np.ndarray, probability: np.ndarray) -> float:
    """(mean binary cross-entropy + 1 - soft Dice) / 2 of one image, with soft Dice smoothed by 1 pixel.

    `truth` is `(H, W)` of 0 and 1, `probability` `(H, W)` in 0..1; probabilities are kept 1e-7 away from both ends.
    """
    y = truth.astype(np.float64)
    p = probability.astype(np.float64)
    dice = (2 * (y * p).sum() + 1) / (y.sum() + p.sum() + 1)
    p = np.clip(p, 1e-7, 1 - 1e-7)
    entropy = -(y * np.log(p) + (1 - y) * np.log1p(-p)).mean()
    return float((entropy + 1 - dice) / 2)


def _ratio(numerator: int, denominator: int) -> float:
    return numerator / denominator if denominator else 1.0
