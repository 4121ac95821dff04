"""Truth given as drawings: discs, ellipses and polygons in pixels of the image, filled with a class index.

The centre of a pixel has whole coordinates, x to the right, y down. A pixel belongs to an outline if its centre does;
no rounding of corners, no line drawn round them, so areas are neither inflated nor shrunk.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np

from components.imaging.truth.outline import Bounds, Outline
from components.reason import Reason

_LEAST_EXTENT = 1e-3
_FARTHEST = 1e9
_MOST_CROSSINGS = 2**24
"""Of an outline with the rows of an image, each of which takes a hundred bytes."""
_MOST_FILLED, _MOST_TIMES = 2**32, 256
"""Pixels that are filled of one image in all, and how many times its own."""
_STRIP_PIXELS = 2**20
"""Pixels whose distance is computed at once: large ellipses take no more memory."""


class UnclearShape(Reason):
    """An outline that encloses nothing, or that is not in the image."""


@dataclass(frozen=True)
class Ellipse:
    """Centre, half-axes and rotation of the first half-axis (degrees, clockwise as seen); a disc has equal half-axes.

    Points on the outline belong to it.
    """

    x: float
    y: float
    radius_x: float
    radius_y: float
    degrees: float = 0.0

    def __post_init__(self) -> None:
        _check(self, [self.x, self.y, self.radius_x, self.radius_y, self.degrees])

    def __str__(self) -> str:
        return f"the ellipse of half-axes {self.radius_x:g} and {self.radius_y:g} at x {self.x:g}, y {self.y:g}"

    @property
    def extent(self) -> float:
        """Smallest half-width in pixels."""
        return min(self.radius_x, self.radius_y)

    @property
    def bounds(self) -> Bounds:
        """Least x and y, and greatest."""
        half_x, half_y = self._halves
        return (self.x - half_x, self.y - half_y), (self.x + half_x, self.y + half_y)

    @property
    def boxes(self) -> tuple[Bounds]:
        """Its bounds."""
        return (self.bounds,)

    def lies_in(self, height: int, width: int) -> bool:
        """Whether the centre is on a pixel of an image."""
        return -0.5 <= self.x < width - 0.5 and -0.5 <= self.y < height - 0.5

    def mapped(self, scale: tuple[float, float], offset: tuple[float, float]) -> Ellipse:
        """With each coordinate times its scale plus its offset, x first. Half-axes take the mean of the scales."""
        mean = math.sqrt(abs(scale[0] * scale[1]))
        return Ellipse(
            self.x * scale[0] + offset[0],
            self.y * scale[1] + offset[1],
            self.radius_x * mean,
            self.radius_y * mean,
            math.copysign(1.0, scale[0] * scale[1]) * self.degrees,
        )

    @property
    def _halves(self) -> tuple[float, float]:
        """Of the upright rectangle round it, x first."""
        angle = math.radians(self.degrees)
        cos, sin = (1.0, 0.0) if self.radius_x == self.radius_y else (math.cos(angle), math.sin(angle))
        return math.hypot(self.radius_x * cos, self.radius_y * sin), math.hypot(
            self.radius_x * sin, self.radius_y * cos
        )

    def fill(self, mask: np.ndarray, value: int) -> bool:
        """Sets the pixels inside; whether there are any."""
        # A disc needs neither rotation nor weights, and without them is exact where the numbers are whole.
        disc = self.radius_x == self.radius_y
        angle = 0.0 if disc else math.radians(self.degrees)
        cos, sin = math.cos(angle), math.sin(angle)
        weight_x, weight_y = (1.0, 1.0) if disc else (self.radius_y, self.radius_x)
        half_x, half_y = self._halves
        rows, columns = _window(self.y, half_y, mask.shape[0]), _window(self.x, half_x, mask.shape[1])
        dx = np.arange(columns.start, columns.stop) - self.x
        found = False
        for strip in _strips(rows, len(columns)):
            dy = np.arange(strip.start, strip.stop)[:, None] - self.y
            along, across = dx * cos + dy * sin, dy * cos - dx * sin
            inside = (along * weight_x) ** 2 + (across * weight_y) ** 2 <= (self.radius_x * weight_x) ** 2
            mask[strip.start : strip.stop, columns.start : columns.stop][inside] = value
            found = found or bool(inside.any())
        return found


@dataclass(frozen=True)
class Polygon:
    """A closed outline, `(x, y)` per corner. What it winds round belongs to it, however often: loops leave no holes.

    Of the points on the outline the left and the upper ones belong to it: neighbours share no pixel and leave none out.
    """

    points: tuple[tuple[float, float], ...]
    even_odd: bool = False
    """Whether what it winds round twice lies outside: a loop within is a hole, also one that runs the same way."""

    def __post_init__(self) -> None:
        _check(self, [value for point in self.points for value in point])

    def __str__(self) -> str:
        if not self.points:
            return "the polygon of no points"
        (left, top), (right, bottom) = self.bounds
        return f"the polygon of {len(self.points)} points from x {left:g}, y {top:g} to x {right:g}, y {bottom:g}"

    @property
    def extent(self) -> float:
        """Smallest half-width in pixels: half the shorter side of the smallest rectangle round it."""
        if len(self.points) < 3:
            return 0.0
        points = np.array(self.points, np.float64)
        _, sides, _ = cv2.minAreaRect((points - points[0]).astype(np.float32))
        return min(sides) / 2

    @property
    def bounds(self) -> Bounds:
        """Least x and y, and greatest."""
        xs, ys = zip(*self.points, strict=True)
        return (min(xs), min(ys)), (max(xs), max(ys))

    @property
    def boxes(self) -> tuple[Bounds]:
        """Its bounds."""
        return (self.bounds,)

    def lies_in(self, height: int, width: int) -> bool:
        """Whether the rectangle round it meets an image."""
        (left, top), (right, bottom) = self.bounds
        return right >= -0.5 and left < width - 0.5 and bottom >= -0.5 and top < height - 0.5

    def mapped(self, scale: tuple[float, float], offset: tuple[float, float]) -> Polygon:
        """With each coordinate times its scale plus its offset, x first."""
        points = tuple((x * scale[0] + offset[0], y * scale[1] + offset[1]) for x, y in self.points)
        return Polygon(points, self.even_odd)

    def fill(self, mask: np.ndarray, value: int) -> bool:
        """Sets the pixels inside; whether there are any.

        Raises:
            UnclearShape: it goes to and fro so often that memory may not hold where.
        """
        height, width = mask.shape
        rows, columns, turns = _crossings(np.array(self.points, np.float64), height)
        # Right of a crossing the outline winds once more, or less; at the end of a row it has unwound.
        columns = columns.clip(0, width).astype(np.int64)
        order = np.argsort(rows * (width + 1) + columns, kind="stable")
        rows, columns, winding = rows[order], columns[order], np.cumsum(turns[order])
        wound = winding[:-1] & 1 if self.even_odd else winding[:-1]
        inside = np.flatnonzero((wound != 0) & (columns[:-1] < columns[1:]))
        for row, first, last in zip(
            rows[inside].tolist(), columns[inside].tolist(), columns[inside + 1].tolist(), strict=True
        ):
            mask[row, first:last] = value
        return len(inside) > 0


@dataclass(frozen=True)
class Shape:
    """An outline and the class of what it encloses."""

    outline: Outline
    class_index: int = 1

    @property
    def extent(self) -> float:
        """Smallest half-width in pixels: what is scaled below about 0.75 may fall between the centres of pixels."""
        return self.outline.extent


def rasterized(height: int, width: int, shapes: Iterable[Shape]) -> np.ndarray:
    """`(height, width)` uint8 class indices; later shapes lie over earlier ones, parts outside are cut off.

    Raises:
        UnclearShape: a shape covers no pixel, and its lesion would be learnt as normal tissue; or they cover the image
            so often that it would take minutes.
    """
    mask = np.zeros((height, width), np.uint8)
    left: float = max(_MOST_FILLED, _MOST_TIMES * mask.size)
    for shape in shapes:
        left -= sum(_shared(box, height, width) for box in shape.outline.boxes)
        if left < 0:
            raise UnclearShape(f"the shapes lie over each other more than {_MOST_TIMES} times all over the image")
        if not shape.outline.fill(mask, shape.class_index):
            raise UnclearShape(f"{shape.outline} covers no pixel of an image of {width} x {height} pixels")
    return mask


def _shared(box: Bounds | None, height: int, width: int) -> float:
    """Pixels that bounds may share with an image, none of them all."""
    if box is None:
        return height * width
    (left, top), (right, bottom) = box
    across, down = min(right, width) - max(left, 0.0), min(bottom, height) - max(top, 0.0)
    return max(across, 0.0) * max(down, 0.0)


def _check(outline: Ellipse | Polygon, numbers: list[float]) -> None:
    if not all(abs(number) <= _FARTHEST for number in numbers):
        raise UnclearShape(f"{outline} has coordinates that are no pixels")
    if outline.extent < _LEAST_EXTENT:
        raise UnclearShape(f"{outline} encloses nothing")


def _window(centre: float, half: float, size: int) -> range:
    """The pixels of an axis, cut off at the image, that may lie within `half` of the centre."""
    return range(max(0, math.floor(centre - half)), min(size, math.ceil(centre + half) + 1))


def _strips(rows: range, columns: int) -> Iterable[range]:
    step = max(1, _STRIP_PIXELS // max(1, columns))
    return (rows[start : start + step] for start in range(0, len(rows), step))


def _crossings(points: np.ndarray, height: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where a closed outline `(N, 2)` crosses the rows of an image: row, first pixel to the right, 1 up or -1 down.

    Raises:
        UnclearShape: it does so too often.
    """
    ahead = np.roll(points, -1, axis=0)
    up = points[:, 1] > ahead[:, 1]
    # From top to bottom, so that two polygons compute the same crossings of the edge that they share.
    (x0, y0), (x1, y1) = np.where(up[:, None], ahead, points).T, np.where(up[:, None], points, ahead).T
    first = np.ceil(y0).clip(0, height).astype(np.int64)
    counts = np.ceil(y1).clip(0, height).astype(np.int64) - first
    if counts.sum() > _MOST_CROSSINGS:
        raise UnclearShape(
            f"a polygon of {len(points)} points crosses the rows of the image {counts.sum()} times, more than the "
            f"{_MOST_CROSSINGS} that are drawn"
        )
    edge = np.repeat(np.arange(len(points)), counts)
    row = np.arange(len(edge)) - np.repeat(np.cumsum(counts) - counts, counts) + first[edge]
    x = x0[edge] + (row - y0[edge]) * (x1 - x0)[edge] / (y1 - y0)[edge]
    return row, np.ceil(x), np.where(up, 1, -1)[edge]
