"""How a record is cut from its source. Pixel (row, column) has its centre at these coordinates."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

import cv2
import numpy as np


@dataclass(frozen=True)
class Placement:
    """The source is scaled to the content's size, and the record is a window of it. Sizes in pixels.

    Content within the window is a letterbox or a stretched image, a window within the content a crop or a tile.
    What lies outside of the content is black.
    """

    source_height: int
    source_width: int
    content_height: int
    content_width: int
    top: int
    """Row of the content's first row in the record: negative where the record begins within the content."""
    left: int
    height: int
    width: int

    def image(self, pixels: np.ndarray) -> np.ndarray:
        """The record of a source `(h, w[, C])`, of the same type: `(height, width[, C])`."""
        return self.placed(self.scaled(pixels))

    def mask(self, classes: np.ndarray) -> np.ndarray:
        """The record of class indices `(h, w)`: `(height, width)`, no new values."""
        return self.placed(self.scaled_mask(classes))

    def scaled(self, pixels: np.ndarray) -> np.ndarray:
        """The content of a source `(h, w[, C])`, which is returned itself where nothing is to scale.

        An axis that shrinks is averaged over areas, then one that grows is interpolated linearly: OpenCV's area
        average is none as soon as one axis grows.
        """
        shrunk = min(self.content_height, self.source_height), min(self.content_width, self.source_width)
        pixels = _resized(pixels, shrunk, cv2.INTER_AREA)
        return _resized(pixels, (self.content_height, self.content_width), cv2.INTER_LINEAR)

    def scaled_mask(self, classes: np.ndarray) -> np.ndarray:
        """As `scaled`, each pixel of the content taking the class of the source pixel that holds its centre."""
        # OpenCV's INTER_NEAREST rounds the coordinate down and so shifts by half a pixel; its exact form does not, but
        # errs from some thousand pixels on and fails beyond 32767.
        if self.source_height != self.content_height:
            classes = classes.take(_nearest(self.source_height, self.content_height), axis=0)
        if self.source_width != self.content_width:
            classes = classes.take(_nearest(self.source_width, self.content_width), axis=1)
        return classes

    def shown(self) -> tuple[np.ndarray, np.ndarray]:
        """Rows and columns of the source from which `mask` takes the record's pixels, those outside left out."""
        rows = np.arange(max(0, -self.top), min(self.content_height, self.height - self.top))
        columns = np.arange(max(0, -self.left), min(self.content_width, self.width - self.left))
        return (
            _nearest(self.source_height, self.content_height)[rows],
            _nearest(self.source_width, self.content_width)[columns],
        )

    def overlap(self) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
        """The part of the content that the record shows: rows and columns in the content, and in the record."""
        spans = [
            (max(0, -begin), max(0, min(content, length - begin)), begin)
            for begin, length, content in (
                (self.top, self.height, self.content_height),
                (self.left, self.width, self.content_width),
            )
        ]
        rows, columns = (slice(first, last) for first, last, _ in spans)
        own_rows, own_columns = (slice(first + begin, last + begin) for first, last, begin in spans)
        return (rows, columns), (own_rows, own_columns)

    def placed(self, content: np.ndarray) -> np.ndarray:
        """The window of a content `(content_height, content_width[, C])`; where it lies within, a view of it."""
        there, own = self.overlap()
        visible = content[there]
        if visible.shape[:2] == (self.height, self.width):
            return visible
        window = np.zeros((self.height, self.width, *content.shape[2:]), content.dtype)
        window[own] = visible
        return window

    def unplaced(self, values: np.ndarray) -> np.ndarray:
        """What was found on a record that shows the whole content, `(height, width)`, at the source's size."""
        content = values[self.top : self.top + self.content_height, self.left : self.left + self.content_width]
        return _resized(content, (self.source_height, self.source_width), cv2.INTER_LINEAR)

    def unplaced_mask(self, classes: np.ndarray) -> np.ndarray:
        """As `unplaced`, of class indices: each pixel of the source takes the one that holds its centre."""
        content = classes[self.top : self.top + self.content_height, self.left : self.left + self.content_width]
        rows = _nearest(self.content_height, self.source_height)
        return content.take(rows, axis=0).take(_nearest(self.content_width, self.source_width), axis=1)

    @property
    def matrix(self) -> np.ndarray:
        """Takes `(row, column, 1)` of the record to those of the source, `(3, 3)`."""
        down = self.source_height / self.content_height
        across = self.source_width / self.content_width
        return np.array(
            [
                [down, 0, (0.5 - self.top) * down - 0.5],
                [0, across, (0.5 - self.left) * across - 0.5],
                [0, 0, 1],
            ]
        )

    def to_source(self, rows: np.ndarray, columns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Source coordinates of record coordinates, in pixels with centres at whole numbers."""
        return _mapped(self.matrix, rows, columns)

    def to_record(self, rows: np.ndarray, columns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Record coordinates of source coordinates; those outside of the record are not in it."""
        return _mapped(np.linalg.inv(self.matrix), rows, columns)

    def as_json(self) -> dict[str, Any]:
        """What the record keeps, so that predictions can go back to the source's size and position."""
        return {"kind": "placement", **asdict(self)}

    @classmethod
    def from_json(cls, step: Mapping[str, Any]) -> Placement:
        """The placement of a step of that kind, whatever else the step says."""
        return cls(**{field.name: step[field.name] for field in fields(cls)})


def letterbox(source_height: int, source_width: int, height: int, width: int) -> Placement:
    """The whole source without distortion, as large as fits, centred on black."""
    scale = min(height / source_height, width / source_width)
    content_height = min(height, max(1, round(source_height * scale)))
    content_width = min(width, max(1, round(source_width * scale)))
    return _centred(source_height, source_width, content_height, content_width, height, width)


def stretch(source_height: int, source_width: int, height: int, width: int) -> Placement:
    """The whole source, distorted to fill the record."""
    return _centred(source_height, source_width, height, width, height, width)


def crop(source_height: int, source_width: int, height: int, width: int) -> Placement:
    """The centre of the source at its own scale; where the source is smaller, all of it, centred on black."""
    return _centred(source_height, source_width, source_height, source_width, height, width)


FITS: Mapping[str, Callable[[int, int, int, int], Placement]] = {
    "letterbox": letterbox,
    "stretch": stretch,
    "crop": crop,
}
"""By the setting `fit`: source height and width, record height and width to a placement."""


def _centred(
    source_height: int, source_width: int, content_height: int, content_width: int, height: int, width: int
) -> Placement:
    top, left = (height - content_height) // 2, (width - content_width) // 2
    return Placement(source_height, source_width, content_height, content_width, top, left, height, width)


def _resized(pixels: np.ndarray, size: tuple[int, int], interpolation: int) -> np.ndarray:
    if pixels.shape[:2] == size:
        return pixels
    # OpenCV drops a last axis of one channel.
    return cv2.resize(pixels, size[::-1], interpolation=interpolation).reshape(*size, *pixels.shape[2:])


def _nearest(source: int, content: int) -> np.ndarray:
    """Of each content pixel, the source pixel that holds its centre (index + 0.5) * source / content."""
    return (2 * np.arange(content) + 1) * source // (2 * content)


def _mapped(matrix: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where a `(3, 3)` matrix takes coordinates."""
    of_rows, of_columns, _ = matrix
    return (
        of_rows[0] * rows + of_rows[1] * columns + of_rows[2],
        of_columns[0] * rows + of_columns[1] * columns + of_columns[2],
    )
