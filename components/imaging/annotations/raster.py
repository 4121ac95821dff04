"""Pixels that were painted and not outlined: run lengths that lie on an image as an outline does."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from components.imaging.annotations.rle import compressed, decompressed, run_lengths
from components.imaging.truth.shapes import UnclearShape

_CHUNK = 2**20
"""Pixels that are looked up at a time."""


@dataclass(frozen=True)
class Raster:
    """The pixels inside run lengths over the columns of a grid; see `raster` and `painted`."""

    counts: str
    """Compressed as COCO's."""
    height: int | None
    """Rows of the grid; None: those of the image."""
    scale: tuple[float, float] = (1.0, 1.0)
    offset: tuple[float, float] = (0.0, 0.0)
    """Of a pixel of the image the centre is at that of the grid's, times the scale, plus the offset, x first."""

    def __str__(self) -> str:
        return "the mask of run lengths"

    @property
    def bounds(self) -> None:
        """It was painted on its image."""

    @property
    def boxes(self) -> tuple[None]:
        """All of the image."""
        return (None,)

    @property
    def extent(self) -> float:
        """Of a disc as large."""
        area = int(decompressed(self.counts)[1::2].sum()) * abs(self.scale[0] * self.scale[1])
        return math.sqrt(area / math.pi)

    def lies_in(self, height: int, width: int) -> bool:
        return True

    def mapped(self, scale: tuple[float, float], offset: tuple[float, float]) -> Raster:
        (x, y), (left, top) = self.scale, self.offset
        return replace(
            self,
            scale=(x * scale[0], y * scale[1]),
            offset=(left * scale[0] + offset[0], top * scale[1] + offset[1]),
        )

    def fill(self, mask: np.ndarray, value: int) -> bool:
        """Sets the pixels whose centres lie in a pixel inside.

        Raises:
            UnclearShape: the runs go on beyond the image whose rows they take.
        """
        height = self.height or mask.shape[0]
        ends = decompressed(self.counts).cumsum()
        starts, stops = ends[:-1:2], ends[1::2]
        if self.height is None and stops[-1] > mask.size:
            raise UnclearShape(
                f"the run lengths end at pixel {stops[-1]} of an image of {mask.shape[1]} x {mask.shape[0]} pixels: "
                "are they of another size?"
            )
        across = range(starts[0] // height, (stops[-1] - 1) // height + 1)
        top, bottom = starts % height, (stops - 1) % height
        wraps = (starts // height != (stops - 1) // height).any()
        down = range(height) if wraps else range(top.min(), bottom.max() + 1)
        rows, own_rows = _covered(down, self.scale[1], self.offset[1], mask.shape[0])
        columns, own_columns = _covered(across, self.scale[0], self.offset[0], mask.shape[1])
        target = mask[rows, columns]
        found = False
        step = max(1, _CHUNK // max(1, len(own_rows)))
        for first in range(0, len(own_columns), step):
            chunk = slice(first, first + step)
            pixels = own_columns[chunk] * height + own_rows[:, None]
            inside = np.searchsorted(ends, pixels, side="right") % 2 > 0
            target[:, chunk][inside] = value
            found = found or bool(inside.any())
        return found


def raster(lengths: np.ndarray, size: tuple[int, int] | None = None) -> Raster:
    """Of run lengths int64 `(n,)`, by columns and beginning with outside, of a grid of a height and width.

    Without a size it is that of the image, whose pixels they need not all tell.

    Raises:
        UnclearShape: they are of no size, are negative, tell more or fewer pixels, or have nothing inside.
    """
    if size and min(size) < 1:
        raise UnclearShape(f"the run lengths are of an image of {size[1]} x {size[0]} pixels")
    total = int(lengths.sum())
    if (lengths < 0).any() or (size and total != size[0] * size[1]):
        found = "are negative" if (lengths < 0).any() else f"tell {total} pixels"
        raise UnclearShape(f"the run lengths {found}" + (f", expected {_product(size)}" if size else ""))
    # Runs of no pixels would be taken for the place where a mask begins or ends.
    lengths = _without_empty(lengths)
    if len(lengths) < 2:
        raise UnclearShape("the run lengths have nothing inside")
    return Raster(compressed(lengths), size[0] if size else None)


def painted(inside: np.ndarray, left: float = 0.0, top: float = 0.0) -> Raster:
    """Of pixels bool `(H, W)`, the first of which has its centre at `left`, `top`."""
    height, width = inside.shape
    return raster(run_lengths(inside, (0, 0), (height, width)), (height, width)).mapped((1.0, 1.0), (left, top))


def _covered(own: range, scale: float, offset: float, size: int) -> tuple[slice, np.ndarray]:
    """The pixels along an axis of an image whose centres lie on those of a grid, and on which."""
    places = np.floor((np.arange(size) - offset) / scale + 0.5).astype(np.int64)
    covered = np.flatnonzero((places >= own.start) & (places < own.stop))
    if not covered.size:
        return slice(0, 0), covered
    return slice(int(covered[0]), int(covered[-1]) + 1), places[covered]


def _without_empty(lengths: np.ndarray) -> np.ndarray:
    """The same pixels without runs of none, but for the first, and without those after the last inside."""
    inside = np.arange(len(lengths)) % 2 > 0
    filled = lengths > 0
    lengths, inside = lengths[filled], inside[filled]
    starts = np.flatnonzero(np.append(True, inside[1:] != inside[:-1])[: len(inside)])
    joined = np.add.reduceat(lengths, starts) if len(starts) else lengths
    if len(starts) and inside[0]:
        joined = np.append(0, joined)
    return joined[: len(joined) // 2 * 2]


def _product(size: tuple[int, int]) -> str:
    return f"{size[1]} x {size[0]} = {size[0] * size[1]}"
