"""Truth as class indices from grey values or palette entries: they are these indices, or levels that mean a class, or
number objects."""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np

from components.imaging.files.codecs import unrepeated, with_channels
from components.imaging.truth.classes import IGNORE
from components.imaging.truth.masks import UnclearMask
from components.imaging.truth.stray import Settled, amount, first
from components.imaging.truth.unclear import JPEG_MOVES, has_colours, unclear_colours


def index_mask(pixels: np.ndarray, classes: int, max_stray: float = 0.0) -> Settled:
    """Class indices `(H, W)` uint8 of a mask whose values are class indices.

    Greater values are stray, and background: numbers say nothing of which class is near.

    Args:
        pixels: gray or palette indices `(H, W)`, or gray-valued RGB `(H, W, 3)`; uint8 or uint16.
        classes: number of classes beside background, the greatest index.
        max_stray: share of the pixels, 0 to 1, up to which they may have greater values, where others have a class.

    Raises:
        UnclearMask: colours, more greater values than that, or these alone.
    """
    pixels = _grey(pixels)
    if pixels.max() <= classes:
        return Settled(pixels.astype(np.uint8))
    stray = pixels > classes
    indices = np.where(stray, 0, pixels).astype(np.uint8)
    if stray.mean() > max_stray or not indices.any():
        alone = "" if indices.any() else " beside those of a class, and there are none"
        raise UnclearMask(_unknown_values(pixels, stray, classes, amount(stray, max_stray) + alone))
    return Settled(indices, float(stray.mean()))


def level_mask(
    pixels: np.ndarray, levels: Mapping[int, int], max_stray: float = 0.0, *, lossy: bool = False
) -> Settled:
    """Class indices `(H, W)` uint8: of each pixel the class of the nearest level, of two equally near the lower.

    Args:
        pixels: gray or palette indices `(H, W)`, or gray-valued RGB `(H, W, 3)`; uint8 or uint16.
        levels: grey value to class index.
        max_stray: share of the pixels, 0 to 1, up to which they may lie between the levels.
        lossy: whether compression has moved values, so that none lies astray.

    Raises:
        UnclearMask: colours, or more pixels between the levels than that.
    """
    grey = _grey(pixels, lossy=lossy)
    values = np.arange(np.iinfo(grey.dtype).max + 1)
    known = np.array(sorted(levels))
    nearest = known[np.searchsorted(known[:-1] + known[1:], 2 * values)]
    table = np.array([levels[level] for level in known], np.uint8)[np.searchsorted(known, nearest)]
    mask = cv2.LUT(grey, table) if grey.dtype == np.uint8 else table[grey]
    if lossy:
        return Settled(mask)
    between = nearest != values
    count = _counts(grey)[between].sum(dtype=float)
    if count > max_stray * grey.size:
        raise UnclearMask(_unknown_level(grey, between[grey], known, max_stray))
    return Settled(mask, count / grey.size)


def object_mask(pixels: np.ndarray) -> tuple[np.ndarray, int]:
    """1 where one of numbered objects is, else 0, `(H, W)` uint8, and how many of them there are: values above 0.

    Args:
        pixels: gray or palette indices `(H, W)`, or gray-valued RGB `(H, W, 3)`; uint8 or uint16.

    Raises:
        UnclearMask: colours.
    """
    grey = _grey(pixels)
    return (grey > 0).astype(np.uint8), np.count_nonzero(_counts(grey)[1:])


def _grey(pixels: np.ndarray, *, lossy: bool = False) -> np.ndarray:
    grey = with_channels(pixels, 1) if lossy and not has_colours(pixels, JPEG_MOVES) else unrepeated(pixels)
    if grey.ndim == 3:
        raise UnclearMask(f"expected grey values, but {unclear_colours(pixels, lossy=lossy)}")
    return grey


def _counts(grey: np.ndarray) -> np.ndarray:
    """How many pixels have each value that the type can hold."""
    most = np.iinfo(grey.dtype).max + 1
    return cv2.calcHist([grey], [0], None, [most], [0, most])[:, 0]


def _unknown_values(pixels: np.ndarray, stray: np.ndarray, classes: int, beside: str) -> str:
    values = np.unique(pixels)
    listed = ", ".join(map(str, values[:8])) + (" ..." if len(values) > 8 else "")
    row, column = first(stray)
    advice = "name all classes in [data] classes"
    if IGNORE in values:
        advice += (
            "; 255 often marks pixels that are not judged, set [data.mask] ignore = 255 for that, or the foreground of "
            'a binary mask, set form = "binary" for that'
        )
    return (
        f"the mask has the values {listed}, expected class indices from 0 to {classes}; {np.count_nonzero(stray)} "
        f"pixels are above, {beside}, the first at row {row}, column {column}: {advice}"
    )


def _unknown_level(grey: np.ndarray, stray: np.ndarray, known: np.ndarray, max_stray: float) -> str:
    row, column = first(stray)
    return (
        f"{np.count_nonzero(stray)} pixels have none of the [data.mask] levels {', '.join(map(str, known))}, "
        f"{amount(stray, max_stray)}, the first is {grey[row, column]} at row {row}, column {column}: name its level, "
        "or raise [data.mask] max_stray"
    )
