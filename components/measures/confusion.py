"""Pixels of one class in one image, counted by what truth and prediction say of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from components.imaging.truth.classes import judged


@dataclass(frozen=True)
class Confusion:
    """Pixel counts of one image; the class is the positive one, everything else negative."""

    tp: int
    fp: int
    fn: int
    tn: int

    @property
    def truth_pixels(self) -> int:
        return self.tp + self.fn

    @property
    def judged_pixels(self) -> int:
        return self.tp + self.fp + self.fn + self.tn

    @property
    def predicted_pixels(self) -> int:
        return self.tp + self.fp


def confusion(truth: np.ndarray, predicted: np.ndarray, index: int = 1) -> Confusion:
    """Counts of a class of two `(H, W)` uint8 arrays of class indices; what truth leaves unjudged counts nowhere."""
    seen = judged(truth)
    true, positive = truth == index, (predicted == index) & seen
    tp = int(np.count_nonzero(true & positive))
    fp = int(np.count_nonzero(positive)) - tp
    fn = int(np.count_nonzero(true)) - tp
    return Confusion(tp, fp, fn, int(np.count_nonzero(seen)) - tp - fp - fn)
