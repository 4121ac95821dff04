"""Truth as class indices: from grey mask images and from discs given by centre and radius."""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np

_OUTLINE = 0.05
"""Disputed pixels per agreed one up to which channels may differ along outlines."""


class UnclearMask(ValueError):
    """A mask image whose classes cannot be told without a rule."""


def binary_mask(pixels: np.ndarray, threshold: int | None, *, lossy: bool = False) -> np.ndarray:
    """Background 0 and foreground 1, `(H, W)` uint8, of a gray `(H, W)` or gray-valued RGB `(H, W, 3)` mask image.

    With a threshold, foreground is `value >= threshold`. Without one the mask must hold at most two values,
    one of them 0, and must come from a lossless format.

    Raises:
        UnclearMask: colours, several grey values, or a lossy source without a threshold.
    """
    if pixels.ndim == 2:
        pixels = pixels[..., None]
    if threshold is not None:
        if threshold > np.iinfo(pixels.dtype).max:
            raise UnclearMask(f"[data] mask_threshold {threshold} is out of reach of its {pixels.dtype} values")
        return _agreed(pixels >= threshold)
    if lossy:
        raise UnclearMask("a JPEG mask has no sharp classes: set [data] mask_threshold, or use PNG")
    values = np.unique(pixels)
    if len(values[values > 0]) > 1:
        raise UnclearMask(
            f"the mask has {len(values)} grey values ({values[0]} to {values[-1]}), expected 0 and one other: "
            "set [data] mask_threshold"
        )
    return _agreed(pixels > 0)


def _agreed(channels: np.ndarray) -> np.ndarray:
    """What most channels of a `(H, W, C)` boolean array say, if they differ along outlines only.

    Masks that were warped channel by channel do so. A coloured mask differs all over a region: to threshold it
    would keep some classes and lose others.
    """
    count = channels.shape[-1]
    votes = np.count_nonzero(channels, axis=-1)
    agreed, disputed = votes == count, (votes > 0) & (votes < count)
    near = cv2.dilate(agreed.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    if (disputed & ~near).any() or disputed.sum() > _OUTLINE * agreed.sum():
        raise UnclearMask("the mask has colours, expected grey values: convert it to one grey value per class")
    return (2 * votes > count).astype(np.uint8)


def disc_mask(height: int, width: int, discs: Iterable[tuple[float, float, float]]) -> np.ndarray:
    """Union of discs `(row, column, radius)` in pixels, `(height, width)` uint8; parts outside are cut off."""
    rows, columns = np.ogrid[:height, :width]
    mask = np.zeros((height, width), bool)
    for row, column, radius in discs:
        mask |= (rows - row) ** 2 + (columns - column) ** 2 <= radius**2
    return mask.astype(np.uint8)


def component_count(mask: np.ndarray) -> int:
    """Number of 8-connected regions of foreground (any class above 0)."""
    count, _ = cv2.connectedComponents((mask > 0).astype(np.uint8), connectivity=8)
    return count - 1
