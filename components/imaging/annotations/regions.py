"""The connected regions of a mask: pixels of a class that touch at sides or corners, as lesions are counted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from components.imaging.files.unreadable import UnreadableImage
from components.imaging.truth.classes import IGNORE, present

MOST_REGIONS = 200_000
"""Of a mask; what has more is noise. As GeoJSON, COCO and lesions they take about a gibibyte and half a minute."""
MOST_EDGES = 5_000_000
"""Of pixels, along outlines: of a chessboard, which has the most, as GeoJSON some 230 bytes each, as COCO 75."""
_OR = "or drop small regions (least_region)"


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
    """Of class indices `(H, W)` uint8. Background and pixels that are not judged are nobody's.

    Raises:
        UnreadableImage: there are more than `MOST_REGIONS`.
    """
    # OpenCV takes some 300 bytes for the statistics of each, and next to nothing to count them.
    count = sum(cv2.connectedComponents(inside, connectivity=8)[0] - 1 for _, inside, _ in _by_class(mask))
    if count > MOST_REGIONS:
        raise UnreadableImage(
            f"its mask has {count} regions, and regions are told of at most {MOST_REGIONS}: leave out GeoJSON, COCO "
            f"and lesions for it, {_OR}"
        )
    numbers = np.zeros(mask.shape, np.int32)
    each: list[Region] = []
    for index, inside, (top, left) in _by_class(mask):
        _, labels, stats, centroids = cv2.connectedComponentsWithStats(inside, connectivity=8)
        _number(numbers, labels, (top, left), len(each))
        boxes = (stats[1:] + np.array([left, top, 0, 0, 0])).tolist()
        for (x, y, width, height, area), middle in zip(boxes, centroids[1:].tolist(), strict=True):
            box = numbers[y : y + height, x : x + width]
            centroid = middle[0] + left, middle[1] + top
            each.append(Region(index, x, y, width, height, area, centroid, len(each) + 1, box))
    return Regions(mask, numbers, each)


def parts_of(mask: np.ndarray) -> np.ndarray:
    """As `Regions.numbers`, of pixels of a class that touch at sides."""
    numbers = np.zeros(mask.shape, np.int32)
    before = 0
    for _, inside, corner in _by_class(mask):
        count, labels = cv2.connectedComponents(inside, connectivity=4)
        _number(numbers, labels, corner, before)
        before += count - 1
    return numbers


def check_edges(found: Regions) -> None:
    """Raises UnreadableImage: along the outlines lie more than `MOST_EDGES` edges of pixels."""
    judged = np.pad(np.where(found.mask == IGNORE, np.uint8(0), found.mask), 1)
    count = sum(int(np.count_nonzero(np.diff(judged, axis=axis))) for axis in (0, 1))
    if count > MOST_EDGES:
        raise UnreadableImage(
            f"its mask has {count} pixel edges, and outlines are told of at most {MOST_EDGES}: leave out GeoJSON and "
            f"COCO for it, {_OR}"
        )


def _by_class(mask: np.ndarray) -> Iterator[tuple[int, np.ndarray, tuple[int, int]]]:
    """Each class, 255 where it is within its bounding box, uint8 `(h, w)`, and first row and column of that."""
    for index in present(mask):
        inside = cv2.inRange(mask, np.array([index]), np.array([index]))
        left, top, width, height = cv2.boundingRect(inside)
        yield index, inside[top : top + height, left : left + width], (top, left)


def _number(numbers: np.ndarray, labels: np.ndarray, corner: tuple[int, int], before: int) -> None:
    """Sets numbers where there are labels, counted on from `before`."""
    rows, columns = (slice(first, first + side) for first, side in zip(corner, labels.shape, strict=True))
    np.add(labels, before, out=numbers[rows, columns], where=labels > 0)
