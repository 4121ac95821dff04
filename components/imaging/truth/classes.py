"""Class indices: 0 is background, 255 is not judged, what lies between is foreground."""

from __future__ import annotations

import cv2
import numpy as np

IGNORE = 255
"""A pixel of this value carries no truth: neither loss nor measure, nor anything that is told of a mask, sees it."""
MOST_CLASSES = IGNORE - 1
"""Beside background."""
_FIRST, _LAST = np.array([1]), np.array([MOST_CLASSES])


def foreground(mask: np.ndarray) -> np.ndarray:
    """255 where class indices `(H, W)` uint8 are foreground of any class, else 0; `(H, W)` uint8."""
    return cv2.inRange(mask, _FIRST, _LAST)


def present(mask: np.ndarray) -> list[int]:
    """The classes that class indices `(H, W)` uint8 hold, in order, without background and `IGNORE`."""
    counts = cv2.calcHist([mask], [0], None, [256], [0, 256])[:IGNORE]
    return [index for index in np.flatnonzero(counts).tolist() if index > 0]


def judged(mask: np.ndarray) -> np.ndarray:
    """Where class indices `(H, W)` carry a truth, bool `(H, W)`."""
    return mask != IGNORE
