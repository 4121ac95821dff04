"""How much of an image its truth covers, and where."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from components.imaging.truth.classes import IGNORE, foreground, present


@dataclass(frozen=True)
class Extent:
    """What can be told of a mask at the size of its file."""

    foreground: float
    """Share of foreground, of any class, in the pixels that are judged, 0 to 1."""
    along_borders: bool
    """Whether most of each of the four borders is foreground."""
    background: bool
    """Whether any pixel is background."""
    full: bool
    """Whether one class is all that there is, without background."""


def extent_of(classes: np.ndarray) -> Extent:
    """Of class indices `(H, W)` uint8, some of which are judged."""
    judged = classes.size - np.count_nonzero(classes == IGNORE)
    background = classes.size - cv2.countNonZero(classes)
    borders = (classes[0], classes[-1], classes[:, 0], classes[:, -1])
    return Extent(
        foreground=(judged - background) / judged,
        along_borders=all(_mostly_foreground(border) for border in borders),
        background=background > 0,
        full=not background and len(present(classes)) == 1,
    )


def _mostly_foreground(border: np.ndarray) -> bool:
    judged = np.count_nonzero(border != IGNORE)
    return bool(2 * cv2.countNonZero(foreground(np.ascontiguousarray(border)[None])) > judged)
