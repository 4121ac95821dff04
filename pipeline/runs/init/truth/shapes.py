"""How the values of a mask lie: what tells blends, rims and numbered objects from classes."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from scipy.ndimage import find_objects

from pipeline.runs.init.truth.limits import BETWEEN, MOST_LEVELS

_REACH = 4
"""Pixels: rims are some 5 wide, as those of PASCAL VOC, and as wide is one value of a slow ramp."""
_NEAR = 2
"""Pixels: as wide is one value of an edge that was resized; a class is wider."""
_MOST_NUMBERS = 4096


@dataclass(frozen=True)
class Shapes:
    """Of each value of a mask, in their order."""

    between: np.ndarray
    """How many of its pixels have a lower and a higher value near them, of colours in every channel that changes."""
    rim: np.ndarray
    """How many have two others within four pixels."""
    regions: np.ndarray
    """In how many 8-connected regions it lies; 0 where that was not counted."""


NONE = Shapes(*[np.zeros(0, np.int64)] * 3)


def codes_of(pixels: np.ndarray) -> np.ndarray:
    """Gray `(H, W)` as it is, colours `(H, W, 3)` as 0xrrggbb."""
    if pixels.ndim == 2:
        return pixels
    channels = (pixels >> (8 if pixels.dtype == np.uint16 else 0)).astype(np.int32)
    return channels[..., 0] << 16 | channels[..., 1] << 8 | channels[..., 2]


def shapes_of(pixels: np.ndarray, values: np.ndarray, *, ordered: bool) -> Shapes:
    """Of a mask `(H, W)` or `(H, W, 3)` with so many distinct values.

    Args:
        ordered: whether a value may be a blend of two others; entries of a palette are not.
    """
    few, codes = len(values) <= MOST_LEVELS, codes_of(pixels)
    counted = np.zeros(len(values), np.int64)
    between = (
        _of_each(codes, _between(pixels, 1 if pixels.ndim > 2 else _NEAR if few else _REACH), values)
        if ordered
        else counted
    )
    rim = _of_each(codes, _near_two(codes, values), values) if few else counted
    blended = between.sum() > BETWEEN * np.count_nonzero(codes != values[0])
    numbers = pixels.ndim == 2 and len(values) <= _MOST_NUMBERS and not blended
    return Shapes(between, rim, _regions(pixels, values) if numbers else counted)


def _of_each(codes: np.ndarray, chosen: np.ndarray, values: np.ndarray) -> np.ndarray:
    return np.bincount(np.searchsorted(values, codes[chosen]), minlength=len(values))


def _between(pixels: np.ndarray, reach: int) -> np.ndarray:
    low, high = cv2.erode(pixels, _square(reach)), cv2.dilate(pixels, _square(reach))
    strictly = (low < pixels) & (pixels < high)
    return strictly if pixels.ndim == 2 else (strictly | (low == high)).all(axis=-1) & (low != high).any(axis=-1)


def _near_two(codes: np.ndarray, values: np.ndarray) -> np.ndarray:
    near = np.zeros(codes.shape, np.uint8)
    for value in values:
        near += cv2.dilate((codes == value).astype(np.uint8), _square(_REACH)) > 0
    return near > 2


def _regions(pixels: np.ndarray, values: np.ndarray) -> np.ndarray:
    boxes = find_objects(pixels)
    counts = [
        cv2.connectedComponents((pixels[boxes[value - 1]] == value).astype(np.uint8), connectivity=8)[0] - 1
        if value
        else 0
        for value in values.tolist()
    ]
    return np.array(counts, np.int64)


def _square(reach: int) -> np.ndarray:
    return np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)
