"""The connected regions of a mask: pixels of a class that touch at sides or corners, as lesions are counted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np

from components.imaging.truth.classes import present


@dataclass(frozen=True)
class Region:
    """A region, its pixels within their bounding box."""

    class_index: int
    left: int
    top: int
    width: int
    height: int
    area: int
    """In pixels."""
    centroid: tuple[float, float]
    """x and y; the centre of a pixel has whole coordinates."""
    number: int
    """Of its pixels in `Regions.numbers`."""
    numbers: np.ndarray
    """`Regions.numbers` within the box."""

    @property
    def window(self) -> tuple[slice, slice]:
        """Rows and columns of the box."""
        return slice(self.top, self.top + self.height), slice(self.left, self.left + self.width)

    @property
    def inside(self) -> np.ndarray:
        """Which pixels of the box are its own, bool `(height, width)`."""
        return self.numbers == self.number


@dataclass(frozen=True)
class Regions:
    """The regions of a mask, by class, and what they were found in."""

    mask: np.ndarray
    """Class indices `(H, W)` uint8."""
    numbers: np.ndarray
    """The region of each pixel, `(H, W)` int32: its place in `each`, counted from 1; 0 where there is none."""
    each: list[Region]


def regions_of(mask: np.ndarray) -> Regions:
    """Of class indices `(H, W)` uint8. Background and pixels that are not judged are nobody's."""
    numbers = np.zeros(mask.shape, np.int32)
    each: list[Region] = []
    for index, stats, centroids in _number(mask, 8, numbers):
        for (left, top, width, height, area), (x, y) in zip(stats.tolist(), centroids.tolist(), strict=True):
            box = numbers[top : top + height, left : left + width]
            each.append(Region(index, left, top, width, height, area, (x, y), len(each) + 1, box))
    return Regions(mask, numbers, each)


def parts_of(mask: np.ndarray) -> np.ndarray:
    """As `Regions.numbers`, of pixels of a class that touch at sides."""
    numbers = np.zeros(mask.shape, np.int32)
    for _ in _number(mask, 4, numbers):
        pass
    return numbers


def _number(
    mask: np.ndarray, connectivity: Literal[4, 8], numbers: np.ndarray
) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
    """Each class, with the statistics `(n, 5)` of its regions as OpenCV has them and their centroids `(n, 2)`.

    The regions are numbered on, in `numbers`.
    """
    before = 0
    for index in present(mask):
        inside = cv2.inRange(mask, np.array([index]), np.array([index]))
        left, top, width, height = cv2.boundingRect(inside)
        window = slice(top, top + height), slice(left, left + width)
        _, labels, stats, centroids = cv2.connectedComponentsWithStats(inside[window], connectivity=connectivity)
        np.add(labels, before, out=numbers[window], where=labels > 0)
        before += len(stats) - 1
        yield index, stats[1:] + np.array([left, top, 0, 0, 0]), centroids[1:] + np.array([left, top])
