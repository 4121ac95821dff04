"""Geometric maps applied to an image and its mask alike. Pixel (row, column) has its centre at these coordinates."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import cv2
import numpy as np


@dataclass(frozen=True)
class Letterbox:
    """Scales a source to fit a target without distortion and centres it on black. Sizes in pixels."""

    source_height: int
    source_width: int
    height: int
    width: int

    @property
    def content(self) -> tuple[int, int, int, int]:
        """Top, left, height and width of the scaled source within the target."""
        scale = min(self.height / self.source_height, self.width / self.source_width)
        height = min(self.height, max(1, round(self.source_height * scale)))
        width = min(self.width, max(1, round(self.source_width * scale)))
        return (self.height - height) // 2, (self.width - width) // 2, height, width

    def image(self, pixels: np.ndarray) -> np.ndarray:
        """`(h, w[, C])` to `(height, width[, C])`: area average when it shrinks, linear when it grows."""
        shrinks = self.content[2] < self.source_height
        return self._place(pixels, cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)

    def mask(self, classes: np.ndarray) -> np.ndarray:
        """`(h, w)` class indices to `(height, width)`, nearest pixel centre: no new values."""
        # INTER_NEAREST rounds the coordinate down and so shifts by half a pixel; the exact form does not.
        return self._place(classes, cv2.INTER_NEAREST_EXACT)

    def to_source(self, rows: np.ndarray, columns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Source coordinates of target coordinates, in pixels with centres at whole numbers."""
        top, left, height, width = self.content
        return (
            (rows - top + 0.5) * self.source_height / height - 0.5,
            (columns - left + 0.5) * self.source_width / width - 0.5,
        )

    def as_json(self) -> dict[str, object]:
        """What the record keeps, so that predictions can go back to the source's size and position."""
        return {"kind": "letterbox", **asdict(self)}

    def _place(self, pixels: np.ndarray, interpolation: int) -> np.ndarray:
        top, left, height, width = self.content
        target = np.zeros((self.height, self.width, *pixels.shape[2:]), pixels.dtype)
        target[top : top + height, left : left + width] = cv2.resize(
            pixels, (width, height), interpolation=interpolation
        )
        return target


@dataclass(frozen=True)
class Affine:
    """A map of the plane about the image centre: optional flips, quarter turns, then a rotation."""

    flip_rows: bool = False
    flip_columns: bool = False
    quarter_turns: int = 0
    """Counter-clockwise turns of 90 degrees, 0 to 3; 1 and 3 need a square image."""
    degrees: float = 0.0
    """Counter-clockwise rotation after the flips and turns."""

    def image(self, pixels: np.ndarray) -> np.ndarray:
        """`(H, W[, C])`, linear, black border."""
        return self._warp(pixels, cv2.INTER_LINEAR)

    def mask(self, classes: np.ndarray) -> np.ndarray:
        """`(H, W)` class indices, nearest, background border."""
        return self._warp(classes, cv2.INTER_NEAREST)

    def _warp(self, pixels: np.ndarray, interpolation: int) -> np.ndarray:
        pixels = pixels[:: -1 if self.flip_rows else 1, :: -1 if self.flip_columns else 1]
        # Right angles by transposition: exact, no resampling.
        pixels = np.ascontiguousarray(np.rot90(pixels, self.quarter_turns))
        if not self.degrees:
            return pixels
        height, width = pixels.shape[:2]
        matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), self.degrees, 1)
        return cv2.warpAffine(pixels, matrix, (width, height), flags=interpolation, borderValue=(0, 0, 0))
