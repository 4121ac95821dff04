"""One value for each pixel of an image that need not be in memory, read by bands of rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

TILE = 512
"""Rows of a band; rows and columns of a tile."""


@dataclass(frozen=True)
class Plane:
    height: int
    width: int
    dtype: np.dtype
    band: Callable[[int], np.ndarray]
    """The rows from `TILE` times a number on, `(TILE, width)`; of the last band as many as are left."""

    @property
    def count(self) -> int:
        """Of bands."""
        return -(-self.height // TILE)

    def bands(self) -> Iterator[np.ndarray]:
        return map(self.band, range(self.count))

    def whole(self) -> np.ndarray:
        """`(height, width)`, in memory."""
        values = np.empty((self.height, self.width), self.dtype)
        for number, band in enumerate(self.bands()):
            values[number * TILE : (number + 1) * TILE] = band
        return values

    def every(self, step: int) -> np.ndarray:
        """Of each square of `step` x `step` pixels the one near its middle; `(ceil(height / step), ...)`."""
        rows, columns = (
            np.minimum(np.arange(0, side, step) + step // 2, side - 1) for side in (self.height, self.width)
        )
        picked = np.empty((len(rows), len(columns)), self.dtype)
        for number, band in enumerate(self.bands()):
            here = rows // TILE == number
            picked[here] = band[rows[here] - number * TILE][:, columns]
        return picked


def plane_of(values: np.ndarray) -> Plane:
    """Of an array `(height, width)`."""
    height, width = values.shape
    return Plane(height, width, values.dtype, lambda number: values[number * TILE : (number + 1) * TILE])
