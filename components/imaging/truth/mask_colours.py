"""Truth as class indices from colours."""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np

from components.imaging.files.codecs import with_channels
from components.imaging.truth.blends import are_blends
from components.imaging.truth.masks import UnclearMask
from components.imaging.truth.stray import Settled, amount, first

_COLOURS = 1 << 24
_CHUNK = 1 << 14
"""Colours that are compared at a time."""


def colour_mask(
    pixels: np.ndarray,
    colours: Mapping[int, int],
    max_distance: float,
    max_stray: float = 0.0,
    *,
    lossy: bool = False,
) -> Settled:
    """Class indices `(H, W)` uint8: of each pixel the class of the nearest colour.

    Args:
        pixels: gray `(H, W)` or RGB `(H, W, 3)`, uint8. Values of 16 bit are refused: whether they fill 8 bits of
            their range or all 16 cannot be told.
        colours: 0xrrggbb to class index; of two colours equally near the first counts.
        max_distance: Euclidean distance in RGB, 0 to 442, up to which a pixel counts as a colour.
        max_stray: share of the pixels, 0 to 1, up to which they may be farther away.
        lossy: whether JPEG has mixed colours: then the distance from such a mixture of two is one, too.

    Raises:
        UnclearMask: more pixels than that are farther from every colour, or they are not of 8 bit.
    """
    if pixels.dtype != np.uint8:
        raise UnclearMask(f"the mask has {pixels.dtype} values, expected 8 bit for [data.mask] colours: convert it")
    codes = cv2.cvtColor(with_channels(pixels, 3), cv2.COLOR_RGB2RGBA).view("<u4")[..., 0]
    codes &= _COLOURS - 1
    found = np.zeros(_COLOURS, bool)
    for row in codes:
        found[row] = True
    distinct = np.flatnonzero(found)
    known = np.array([[colour >> shift & 255 for shift in (16, 8, 0)] for colour in colours])
    chunks = [_nearest(distinct[start : start + _CHUNK], known) for start in range(0, len(distinct), _CHUNK)]
    nearest, squared = (np.concatenate(parts) for parts in zip(*chunks, strict=True))
    far = distinct[squared > max_distance**2]
    if lossy:
        far = far[~are_blends(_rgb(far), known, max_distance)]
    stray = _settled(codes, far, known, max_distance, max_stray) if len(far) else 0.0
    table = np.zeros(_COLOURS, np.uint8)
    table[distinct] = np.array(list(colours.values()), np.uint8)[nearest]
    return Settled(np.stack([table[row] for row in codes]), stray)


def _rgb(codes: np.ndarray) -> np.ndarray:
    return np.stack([codes & 255, codes >> 8 & 255, codes >> 16], axis=-1).astype(np.int32)


def _nearest(codes: np.ndarray, known: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each packed colour the index of the nearest known one, and the square of its distance."""
    squared = ((_rgb(codes)[:, None] - known) ** 2).sum(axis=-1)
    nearest = squared.argmin(axis=-1).astype(np.uint8)
    return nearest, squared.min(axis=-1)


def _settled(codes: np.ndarray, far: np.ndarray, known: np.ndarray, max_distance: float, max_stray: float) -> float:
    """The share of the pixels that have a colour which is far from all that are known."""
    table = np.zeros(_COLOURS, bool)
    table[far] = True
    stray = table[codes]
    share = float(stray.mean())
    if share <= max_stray:
        return share
    row, column = first(stray)
    nearest, squared = _nearest(codes[row, column][None], known)
    colour, near = (
        f"#{red:02x}{green:02x}{blue:02x}" for red, green, blue in (_rgb(codes[row, column]), known[nearest[0]])
    )
    raise UnclearMask(
        f"{np.count_nonzero(stray)} pixels are farther than {max_distance:g} from all [data.mask] colours, "
        f"{amount(stray, max_stray)}, the first is {colour} at row {row}, column {column}, {np.sqrt(squared[0]):.0f} "
        f"from {near}: name its colour, or raise [data.mask] max_colour_distance"
    )
