"""Outlines made of outlines: one with holes, and several that are one."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from components.imaging.truth.outline import Bounds, Outline
from components.imaging.truth.shapes import Ellipse, Polygon


@dataclass(frozen=True)
class Cut:
    """What an outline encloses and none of its holes does."""

    outline: Polygon | Ellipse
    holes: tuple[Polygon | Ellipse, ...]

    def __str__(self) -> str:
        return f"{self.outline} with {len(self.holes)} holes"

    @property
    def bounds(self) -> Bounds:
        return self.outline.bounds

    @property
    def boxes(self) -> Iterable[Bounds | None]:
        # A hole is filled within the outline.
        return (self.bounds for _ in range(1 + len(self.holes)))

    @property
    def extent(self) -> float:
        """That of the outline."""
        return self.outline.extent

    def lies_in(self, height: int, width: int) -> bool:
        return self.outline.lies_in(height, width)

    def mapped(self, scale: tuple[float, float], offset: tuple[float, float]) -> Cut:
        return Cut(self.outline.mapped(scale, offset), tuple(hole.mapped(scale, offset) for hole in self.holes))

    def fill(self, mask: np.ndarray, value: int) -> bool:
        rows, columns = _window(self.outline.bounds, *mask.shape)
        target = mask[rows, columns]
        if not target.size:
            return False
        inside = np.zeros(target.shape, np.uint8)
        shift = (1.0, 1.0), (-float(columns.start), -float(rows.start))
        self.outline.mapped(*shift).fill(inside, 1)
        for hole in self.holes:
            hole.mapped(*shift).fill(inside, 0)
        target[inside > 0] = value
        return bool(inside.any())


@dataclass(frozen=True)
class Several:
    """What one of several outlines encloses; that one of them covers no pixel is no fault."""

    outlines: tuple[Outline, ...]

    def __str__(self) -> str:
        return " and ".join(map(str, self.outlines[:3])) + (" ..." if len(self.outlines) > 3 else "")

    @property
    def bounds(self) -> Bounds | None:
        corners = [outline.bounds for outline in self.outlines if outline.bounds]
        if not corners:
            return None
        (lefts, tops), (rights, bottoms) = (zip(*points, strict=True) for points in zip(*corners, strict=True))
        return (min(lefts), min(tops)), (max(rights), max(bottoms))

    @property
    def boxes(self) -> Iterable[Bounds | None]:
        return (box for outline in self.outlines for box in outline.boxes)

    @property
    def extent(self) -> float:
        return max(outline.extent for outline in self.outlines)

    def lies_in(self, height: int, width: int) -> bool:
        return any(outline.lies_in(height, width) for outline in self.outlines)

    def mapped(self, scale: tuple[float, float], offset: tuple[float, float]) -> Several:
        return Several(tuple(outline.mapped(scale, offset) for outline in self.outlines))

    def fill(self, mask: np.ndarray, value: int) -> bool:
        return max([outline.fill(mask, value) for outline in self.outlines], default=False)


def several(outlines: Sequence[Outline]) -> Outline:
    """One as it is, more as one."""
    return outlines[0] if len(outlines) == 1 else Several(tuple(outlines))


def _window(bounds: Bounds, height: int, width: int) -> tuple[slice, slice]:
    """Rows and columns of the pixels, cut off at the image, whose centres bounds may hold."""
    (left, top), (right, bottom) = bounds
    spans = ((top, bottom, height), (left, right, width))
    rows, columns = (
        slice(max(0, min(size, math.floor(first))), max(0, min(size, math.ceil(last) + 1)))
        for first, last, size in spans
    )
    return rows, columns
