"""What a mask file says, and pixels of it that are set aside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from components.imaging.files.orientation import UPRIGHT
from components.imaging.truth.classes import IGNORE
from components.imaging.truth.masks import UnclearMask


@dataclass(frozen=True)
class MaskReading:
    """What a mask file says."""

    classes: np.ndarray
    """Class indices `(H, W)`, uint8; 0 is background, 255 is not judged."""
    inflation: float | None = None
    """Of a JPEG mask: see `components.imaging.truth.masks.inflation`."""
    rule: str = ""
    """What was taken for foreground, for people; empty where there is none."""
    orientation: int = UPRIGHT
    """That the file carries, 1 to 8 as in EXIF, applied or not."""
    placed: bool = False
    """Whether it tells where in a patient its pixels lie."""
    stray: float = 0.0
    """Share of its pixels, 0 to 1, that had no colour or value which is expected, and count as another."""


def within(pixels: np.ndarray, region: np.ndarray | None, value: Any) -> np.ndarray:
    """`(H, W[, C])` with one value outside of a region, so that what stands there can be no fault."""
    if region is None:
        return pixels
    if region.shape != pixels.shape[:2]:
        (height, width), (own_height, own_width) = region.shape, pixels.shape[:2]
        raise UnclearMask(f"it is {own_width} x {own_height} pixels, its region {width} x {height}")
    within = pixels.copy()
    within[~region] = value
    return within


def without_level(pixels: np.ndarray, level: int | None) -> tuple[np.ndarray, np.ndarray | None]:
    """`(H, W[, C])` with 0 in place of a level, and where that was, bool `(H, W)`."""
    if level is None:
        return pixels, None
    ignored = (pixels == level).reshape(*pixels.shape[:2], -1).all(axis=-1)
    without = pixels.copy()
    without[ignored] = 0
    return without, ignored


def ignoring(classes: np.ndarray, ignored: np.ndarray | None) -> np.ndarray:
    return classes if ignored is None else np.where(ignored, np.uint8(IGNORE), classes)
