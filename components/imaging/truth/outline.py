"""What every kind of drawn truth can do, be it an outline, painted pixels, or made of several of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, Self

import numpy as np

Bounds = tuple[tuple[float, float], tuple[float, float]]
"""Least x and y, and greatest."""


class Outline(Protocol):
    """Encloses pixels of an image. The centre of a pixel has whole coordinates, x to the right, y down."""

    @property
    def bounds(self) -> Bounds | None:
        """None of what reaches no farther than its image."""

    @property
    def boxes(self) -> Iterable[Bounds | None]:
        """The bounds of all that is filled one after another."""

    @property
    def extent(self) -> float:
        """Smallest half-width in pixels, of several parts that of the largest."""

    def lies_in(self, height: int, width: int) -> bool:
        """Whether it is on an image of this size, wholly or in part."""

    def mapped(self, scale: tuple[float, float], offset: tuple[float, float]) -> Self:
        """With each coordinate times its scale plus its offset, x first."""

    def fill(self, mask: np.ndarray, value: int) -> bool:
        """Sets the pixels `(H, W)` uint8 inside, cut off at the mask; whether there are any."""


def reaches_beyond(outline: Outline, height: int, width: int) -> bool:
    """Whether part of it is cut off at an image; half a pixel, by which people draw along borders, is none."""
    if outline.bounds is None:
        return False
    (left, top), (right, bottom) = outline.bounds
    return min(left, top) < -1 or right > width or bottom > height
