"""What must be known of a whole slide before any part of it is asked about: gathered in one pass over its rows."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from components.imaging.slides.slide import Slide, bands, read_rows

LONGEST = 4096
"""Pixels of a side of a picture that people look at."""
_ROWS = 512


@dataclass(frozen=True)
class Look:
    moments: tuple[float, float]
    """As `components.records.record.intensity`, of the pixels as the model sees them."""
    picture: np.ndarray
    """As `reduced`."""


def look_at(slide: Slide, as_seen: Callable[[np.ndarray], np.ndarray]) -> Look:
    """A pass over all rows.

    Args:
        slide: what is looked at.
        as_seen: what the model sees of pixels `(h, w[, C])`, each by itself.
    """
    step = reduction(slide.height, slide.width)
    moments, pictures = Moments(), []
    for top, height in bands(slide.height, max(1, _ROWS // step) * step):
        rows = read_rows(slide, top, height)
        moments.add(as_seen(rows))
        pictures.append(reduced(rows, step))
    return Look(moments.value, np.concatenate(pictures))


class Moments:
    """Mean and standard deviation of what is added, as if it had been added at once.

    Those of parts by Chan, Golub and LeVeque 1979 (STAN-CS-79-773), in float64.
    """

    def __init__(self) -> None:
        self._count, self._mean, self._squares, self._largest = 0, 0.0, 0.0, 1

    def add(self, pixels: np.ndarray) -> None:
        """`(h, w[, C])`, uint8 or uint16, all of one type."""
        mean, std = (each.item() for each in cv2.meanStdDev(pixels.reshape(len(pixels), -1)))
        before, self._count = self._count, self._count + pixels.size
        change, share = mean - self._mean, pixels.size / self._count
        self._mean += change * share
        self._squares += std**2 * pixels.size + change**2 * before * share
        self._largest = np.iinfo(pixels.dtype).max

    @property
    def value(self) -> tuple[float, float]:
        """Scaled to 0..1."""
        return self._mean / self._largest, math.sqrt(self._squares / self._count) / self._largest


def reduction(height: int, width: int) -> int:
    """The least whole number by which sides are divided to be no longer than `LONGEST`."""
    return -(-max(height, width) // LONGEST)


def reduced(pixels: np.ndarray, step: int) -> np.ndarray:
    """The mean of each square of `step` x `step` pixels of `(h, w[, C])`, at the borders of those that there are."""
    if step == 1:
        return pixels
    sides = [-(-side // step) for side in pixels.shape[:2]]
    ends = [(0, size * step - side) for size, side in zip(sides, pixels.shape[:2], strict=True)]
    even = np.pad(
        pixels, [*ends, *[(0, 0)] * (pixels.ndim - 2)], mode="reflect" if min(pixels.shape[:2]) > step else "edge"
    )
    return cv2.resize(even, (sides[1], sides[0]), interpolation=cv2.INTER_AREA)
