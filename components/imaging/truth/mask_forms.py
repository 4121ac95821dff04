"""Truth of several classes as class indices: from colours, from grey or palette values, from one channel per class."""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np

from components.imaging.files.codecs import with_channels
from components.imaging.truth.classes import IGNORE
from components.imaging.truth.masks import UnclearMask
from components.imaging.truth.unclear import unclear_colours

_COLOURS = 1 << 24
_CHUNK = 1 << 14
"""Colours that are compared at a time."""


def colour_mask(pixels: np.ndarray, colours: Mapping[str, int], max_distance: float) -> np.ndarray:
    """Class indices `(H, W)` uint8: of each pixel the class of the nearest colour.

    Args:
        pixels: gray `(H, W)` or RGB `(H, W, 3)`, uint8. Values of 16 bit are refused: whether they fill 8 bits of
            their range or all 16 cannot be told.
        colours: `"#rrggbb"` to class index; of two colours equally near the first counts.
        max_distance: Euclidean distance in RGB, 0 to 442, up to which a pixel counts as a colour.

    Raises:
        UnclearMask: pixels are farther than that from every colour, or are not of 8 bit.
    """
    if pixels.dtype != np.uint8:
        raise UnclearMask(f"the mask has {pixels.dtype} values, expected 8 bit for [data.mask] colours: convert it")
    codes = cv2.cvtColor(with_channels(pixels, 3), cv2.COLOR_RGB2RGBA).view("<u4")[..., 0]
    codes &= _COLOURS - 1
    found = np.zeros(_COLOURS, bool)
    for row in codes:
        found[row] = True
    distinct = np.flatnonzero(found)
    known = np.array([[int(colour[i : i + 2], 16) for i in (1, 3, 5)] for colour in colours])
    chunks = [_nearest(distinct[start : start + _CHUNK], known) for start in range(0, len(distinct), _CHUNK)]
    nearest, squared = (np.concatenate(parts) for parts in zip(*chunks, strict=True))
    far = squared > max_distance**2
    if far.any():
        raise UnclearMask(_unknown_colour(codes, distinct[far], list(colours), known, max_distance))
    table = np.zeros(_COLOURS, np.uint8)
    table[distinct] = np.array(list(colours.values()), np.uint8)[nearest]
    return np.stack([table[row] for row in codes])


def _rgb(codes: np.ndarray) -> np.ndarray:
    return np.stack([codes & 255, codes >> 8 & 255, codes >> 16], axis=-1).astype(np.int32)


def _nearest(codes: np.ndarray, known: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each packed colour the index of the nearest known one, and the square of its distance."""
    squared = ((_rgb(codes)[:, None] - known) ** 2).sum(axis=-1)
    nearest = squared.argmin(axis=-1).astype(np.uint8)
    return nearest, squared.min(axis=-1)


def _unknown_colour(
    codes: np.ndarray, far: np.ndarray, names: list[str], known: np.ndarray, max_distance: float
) -> str:
    table = np.zeros(_COLOURS, bool)
    table[far] = True
    unknown = table[codes]
    row, column = np.unravel_index(unknown.argmax(), unknown.shape)
    first = codes[row, column]
    nearest, squared = _nearest(first[None], known)
    red, green, blue = _rgb(first)
    return (
        f"{np.count_nonzero(unknown)} pixels are farther than {max_distance:g} from all [data.mask] colours, the first "
        f"is #{red:02x}{green:02x}{blue:02x} at row {row}, column {column}, {np.sqrt(squared[0]):.0f} from "
        f"{names[nearest[0]]}: name its colour, or raise [data.mask] max_colour_distance"
    )


def index_mask(pixels: np.ndarray, classes: int) -> np.ndarray:
    """Class indices `(H, W)` uint8 of a mask whose values are class indices.

    Args:
        pixels: gray or palette indices `(H, W)`, or gray-valued RGB `(H, W, 3)`; uint8 or uint16.
        classes: number of classes beside background, the greatest index.

    Raises:
        UnclearMask: colours, or values above the greatest index.
    """
    if pixels.ndim == 3:
        if (pixels != pixels[..., :1]).any():
            raise UnclearMask(f"expected class indices, but {unclear_colours(pixels)}; or use a palette")
        pixels = pixels[..., 0]
    if pixels.max() > classes:
        raise UnclearMask(_unknown_values(np.unique(pixels), classes))
    return pixels.astype(np.uint8)


def _unknown_values(values: np.ndarray, classes: int) -> str:
    listed = ", ".join(map(str, values[:8])) + (" ..." if len(values) > 8 else "")
    advice = "name all classes in [data] classes"
    if IGNORE in values:
        advice += (
            "; 255 often marks pixels that are not judged, set [data.mask] ignore = 255 for that, or the foreground of "
            'a binary mask, set form = "binary" for that'
        )
    return f"the mask has the values {listed}, expected class indices from 0 to {classes}: {advice}"


def one_hot_mask(array: np.ndarray) -> np.ndarray:
    """Class indices `(H, W)` uint8 of `(H, W, classes and background)`: exactly one 1 per pixel, else 0.

    Raises:
        UnclearMask: another shape or other values, or pixels with no class or several.
    """
    if array.ndim != 3 or not 2 <= array.shape[-1] <= 256:
        raise UnclearMask(f"the one-hot mask has the shape {array.shape}, expected (height, width, 2 or more classes)")
    ones = array == 1
    unclear = (ones.sum(axis=-1) != 1) | (~ones & (array != 0)).any(axis=-1)
    if unclear.any():
        row, column = np.unravel_index(unclear.argmax(), unclear.shape)
        raise UnclearMask(
            f"{np.count_nonzero(unclear)} pixels are not one-hot, expected one 1 and else 0: the first is "
            f"{array[row, column].tolist()} at row {row}, column {column}"
        )
    return ones.argmax(axis=-1).astype(np.uint8)
