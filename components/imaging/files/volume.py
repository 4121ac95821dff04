"""What NIfTI and NRRD files have in common: a grid of numbers, the first axis fastest, and its place in a patient."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import BinaryIO

import numpy as np

from components.foreign import foreign
from components.imaging.files.orientation import UPRIGHT, swaps_sides, turned
from components.imaging.files.unreadable import UnreadableImage, check_size

_SHOWN = np.array([1, 1, -1])
"""Where columns and rows run along x, y and z of LPS: to the left, to posterior, to inferior."""
_ALONG = 0.9
"""Cosine from which on an axis of the grid runs along one of the patient."""
_TURNS = {
    (False, False, False): 1,
    (False, True, False): 2,
    (False, True, True): 3,
    (False, False, True): 4,
    (True, False, False): 5,
    (True, False, True): 6,
    (True, True, True): 7,
    (True, True, False): 8,
}
"""By whether columns and rows change places, and whether each of them runs the other way: the number in EXIF."""


@dataclass(frozen=True)
class Volume:
    """A file whose header was read, and none of its pixels."""

    title: str
    shape: tuple[int, ...]
    dtype: np.dtype
    data: BinaryIO
    """At the first value; gives what it unpacks."""
    directions: np.ndarray | None
    """Steps along each axis in mm, `(axes, 3)`, in LPS: x to the left, y to posterior, z to superior. None: unknown."""
    lengths: tuple[float, ...] | None
    """Of those steps, also where their directions are unknown."""
    slope: float = 1.0
    intercept: float = 0.0
    """A value is `slope * stored + intercept`."""

    def pixels(self, max_pixels: int, upright: bool) -> np.ndarray:
        """`(H, W)` uint8 or uint16: the first axis along columns; `upright` as `orientation` tells.

        Raises:
            UnreadableImage: several slices, too many pixels, cut short, or values that are no levels.
        """
        columns, rows = self._sides
        width, height = self.shape[columns], self.shape[rows]
        slices = math.prod(self.shape) // max(1, width * height)
        if slices > 1:
            sizes = " x ".join(map(str, self.shape))
            raise UnreadableImage(f"holds {slices} slices ({sizes}), expected one: save each slice as a file")
        check_size(width, height, max_pixels)
        stored = np.frombuffer(self._unpacked(width * height * self.dtype.itemsize), self.dtype).reshape(height, width)
        levels = _as_levels(stored, self.slope, self.intercept)
        return turned(levels, self.orientation if upright else UPRIGHT)

    @property
    def orientation(self) -> int:
        """What makes pixels upright, 1 to 8 as in EXIF; 1 where it `is_placed` nowhere."""
        return self._turn or UPRIGHT

    @property
    def is_placed(self) -> bool:
        """Whether its place in a patient is told, and its axes run along those of the patient."""
        return self._turn is not None

    @cached_property
    def _turn(self) -> int | None:
        """By which columns run to the patient's left, or of a sagittal slice to posterior, and rows to posterior,
        or of other slices to inferior: so viewers show them. Axes and signs are those of DICOM PS3.3 C.7.6.2.1.1. None
        where no place in a patient is told, or one askew.
        """
        if self.directions is None:
            return None
        steps = self.directions[list(self._sides)]
        lengths = np.linalg.norm(steps, axis=1)
        along = np.abs(steps).argmax(axis=1)
        signed = steps[[0, 1], along]
        if not (np.abs(signed) >= _ALONG * lengths).all() or not lengths.all() or along[0] == along[1]:
            return None
        other_way = signed * _SHOWN[along] < 0
        return _TURNS[bool(along[0] > along[1]), bool(other_way[0]), bool(other_way[1])]

    def spacing(self, upright: bool) -> Sequence[float]:
        """Height and width of a pixel in mm, as of `pixels`; empty where it is not told."""
        if self.lengths is None:
            return ()
        columns, rows = self._sides
        found = self.lengths[rows], self.lengths[columns]
        return found[::-1] if upright and swaps_sides(self.orientation) else found

    @property
    def _sides(self) -> tuple[int, int]:
        """The axes of columns and rows: two that are longer than a pixel, or the first ones."""
        longer = [axis for axis, size in enumerate(self.shape) if size != 1][:2]
        others = [axis for axis in range(len(self.shape)) if axis not in longer]
        columns, rows = sorted([*longer, *others][:2])
        return columns, rows

    def _unpacked(self, size: int) -> bytes:
        with foreign(UnreadableImage, f"not a whole {self.title} file"):
            content = self.data.read(size + 1)  # one more, at which a check sum is looked at
        if len(content) != size:
            fault = "cut short" if len(content) < size else "holds more values than its header says"
            raise UnreadableImage(f"not a whole {self.title} file: {fault}")
        return content


def _as_levels(stored: np.ndarray, slope: float, intercept: float) -> np.ndarray:
    """uint8 and uint16 as they are; other whole numbers from 0 on as uint16, of 8 bit as uint8."""
    values = stored if (slope, intercept) == (1, 0) else stored * np.float64(slope) + intercept
    low, high = values.min(), values.max()
    if not (low >= 0 and high <= 65535 and (values.dtype.kind != "f" or (values == np.floor(values)).all())):
        kind = "fractions" if values.dtype.kind == "f" and not (values == np.floor(values)).all() else "values"
        raise UnreadableImage(
            f"has {kind} from {low:g} to {high:g}, expected whole numbers from 0 to 65535: shift or scale all files "
            "alike, and save them as uint16"
        )
    return values.astype(np.uint8 if values.dtype.itemsize == 1 else np.uint16)
