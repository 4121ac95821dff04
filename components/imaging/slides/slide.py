"""An image that is read by regions, whatever file holds it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import numpy as np

from components.imaging.files.spacing import Spacing


class Slide(Protocol):
    """At its full size (level 0 of a pyramid)."""

    @property
    def height(self) -> int: ...
    @property
    def width(self) -> int: ...
    @property
    def channels(self) -> int:
        """1, gray, or 3, RGB."""

    @property
    def dtype(self) -> np.dtype:
        """uint8 or uint16."""

    @property
    def spacing(self) -> Spacing | None:
        """Height and width of a pixel in mm, where the file tells them."""

    @property
    def step(self) -> int:
        """Columns that are best read at once: what is stored together is decoded together."""

    def read(self, top: int, left: int, height: int, width: int) -> np.ndarray:
        """A region that lies within: `(height, width)` gray or `(height, width, 3)` RGB.

        Raises:
            UnreadableImage: the file is damaged there.
        """

    def close(self) -> None:
        """Frees the file; nothing is read from then on."""


def read_rows(slide: Slide, top: int, height: int) -> np.ndarray:
    """Rows of a slide over its whole width, read piece by piece."""
    shape = (height, slide.width) if slide.channels == 1 else (height, slide.width, 3)
    rows = np.empty(shape, slide.dtype)
    for left in range(0, slide.width, slide.step):
        width = min(slide.step, slide.width - left)
        rows[:, left : left + width] = slide.read(top, left, height, width)
    return rows


def bands(height: int, rows: int) -> Iterator[tuple[int, int]]:
    """Where bands of so many rows begin, and how many each has: the last as many as are left."""
    return ((top, min(rows, height - top)) for top in range(0, height, rows))
