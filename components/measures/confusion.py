"""Pixels of one class in one image, counted by what truth and prediction say of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from components.measures.comparison import Comparison


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

    @property
    def of_nothing(self) -> Confusion:
        """The counts that a prediction without a pixel of the class would have."""
        return Confusion(0, 0, self.truth_pixels, self.judged_pixels - self.truth_pixels)


def counts(seen: Comparison) -> Confusion:
    """What is not judged counts nowhere."""
    tp = int(np.count_nonzero(seen.true & seen.positive))
    fp = int(np.count_nonzero(seen.positive)) - tp
    fn = int(np.count_nonzero(seen.true)) - tp
    return Confusion(tp, fp, fn, int(np.count_nonzero(seen.judged)) - tp - fp - fn)


def confusion(truth: np.ndarray, predicted: np.ndarray, index: int = 1) -> Confusion:
    """As `counts`, of two `(H, W)` uint8 arrays of class indices."""
    return counts(Comparison(truth, predicted, index))
