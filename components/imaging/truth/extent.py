"""How much of an image its truth covers, and where."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from components.imaging.truth.classes import IGNORE, foreground


@dataclass(frozen=True)
class Extent:
    """What can be told of a mask at the size of its file."""

    foreground: float
    """Share of foreground, of any class, in the pixels that are judged."""
    along_borders: bool
    """Whether most of each of the four borders is foreground."""
    full: bool
    """Whether one class is all that there is, without background."""


def extent_of(classes: np.ndarray) -> Extent:
    """Of class indices `(H, W)` uint8, some of which are judged."""
    counts = cv2.calcHist([classes], [0], None, [256], [0, 256])[:IGNORE, 0].astype(np.float64)
    borders = (classes[0], classes[-1], classes[:, 0], classes[:, -1])
    return Extent(
        foreground=float(1 - counts[0] / counts.sum()),
        along_borders=all(_mostly_foreground(border) for border in borders),
        full=bool(not counts[0] and np.count_nonzero(counts) == 1),
    )


def _mostly_foreground(border: np.ndarray) -> bool:
    judged = np.count_nonzero(border != IGNORE)
    return bool(2 * cv2.countNonZero(foreground(np.ascontiguousarray(border)[None])) > judged)
