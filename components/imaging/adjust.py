"""Changes of an image's values: gamma, inversion, contrast, CLAHE. Masks are never adjusted.

`components.serving_graph.adjust` does the same in the exported graph, by the same tone curve.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, NamedTuple

import cv2
import numpy as np
from pydantic import Field

from components.settings import Section


class Tones(NamedTuple):
    """Changes of single values: contrast * value ** gamma + brightness on values in 0..1, inverted in between."""

    gamma: float = 1.0
    contrast: float = 1.0
    brightness: float = 0.0
    invert: bool = False


class Adjust(Section):
    """Changes of the image, not of its mask, before training and, in the exported graph, before each prediction."""

    outgrown: ClassVar = {"colour_space": ("rgb", "there are no colour spaces any more: remove it")}
    gamma: Annotated[float, Field(gt=0)] = 1.0
    """value ** gamma, on values in 0..1."""
    contrast: Annotated[float, Field(gt=0)] = 1.0
    brightness: Annotated[float, Field(ge=-1, le=1)] = 0.0
    """contrast * value + brightness, on values in 0..1, clipped."""
    invert: bool = False
    clahe_clip: Annotated[float, Field(gt=0)] | None = None
    """Clip limit of contrast-limited adaptive histogram equalisation; None: off."""
    clahe_grid: Annotated[int, Field(ge=1, le=64)] = 8

    @property
    def tones(self) -> Tones:
        return Tones(self.gamma, self.contrast, self.brightness, self.invert)


def adjust(pixels: np.ndarray, settings: Adjust) -> np.ndarray:
    """The image after gamma, inversion, contrast and brightness, and CLAHE, in this order.

    Args:
        pixels: gray `(H, W)` or RGB `(H, W, 3)`, uint8 or uint16.
        settings: the `[data.adjust]` section of the config.

    Returns:
        Same shape and type; the input itself where nothing is to be done.
    """
    pixels = toned(pixels, settings.tones)
    if settings.clahe_clip is not None:
        pixels = equalized(pixels, settings.clahe_clip, settings.clahe_grid)
    return pixels


def toned(pixels: np.ndarray, tones: Tones) -> np.ndarray:
    """Pixels of any shape, uint8 or uint16, after the `tone_curve`; the input itself where that changes nothing."""
    curve = tone_curve(tones, np.iinfo(pixels.dtype).max)
    if curve is None:
        return pixels
    return cv2.LUT(pixels, curve.astype(np.uint8)) if pixels.dtype == np.uint8 else curve.take(pixels)


def tone_curve(tones: Tones, top: int) -> np.ndarray | None:
    """The new value of each of 0..`top` (255 or 65535), uint16, after gamma, inversion, contrast and brightness.

    None where these change nothing. Without gamma and inversion it is OpenCV's convertScaleAbs, as far as that has
    values of 0 and above: float32, halves to the even neighbour.
    """
    if tones == Tones():
        return None
    values = top * (np.arange(top + 1) / top) ** tones.gamma
    if tones.invert:
        values = top - values
    changed = np.float32(tones.contrast) * values.astype(np.float32) + np.float32(top * tones.brightness)
    return np.rint(changed).clip(0, top).astype(np.uint16)


def equalized(pixels: np.ndarray, clip: float, grid: int) -> np.ndarray:
    """Contrast-limited adaptive histogram equalisation (Zuiderveld 1994) by OpenCV, over `grid` x `grid` tiles.

    Gray `(H, W)` or RGB `(H, W, 3)`, uint8 or uint16; same shape and type.

    Of RGB the luma of ITU-R BT.601 is equalised, and its change added to the three channels: CLAHE of the Y in YCrCb.
    The lightness of Lab would not do: OpenCV's 8-bit Lab rounds otherwise than any formula in a graph, CLAHE
    multiplies the difference (up to 43 grey levels were seen), and it has no 16-bit Lab.

    The histogram has 256 bins for 8 bit and 65536 for 16 bit, so that in 16 bit a limit below 65536 / (pixels of a
    tile) leaves one pixel per bin.
    """
    top = np.iinfo(pixels.dtype).max
    # As many times the mean as there are bins is no limit; much more would overflow OpenCV's integers.
    clahe = cv2.createCLAHE(min(clip, top + 1), (grid, grid))
    if pixels.ndim == 2:
        return clahe.apply(pixels)
    luma = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    change = cv2.subtract(clahe.apply(luma), luma, dtype=cv2.CV_32S)
    return cv2.add(pixels, cv2.merge([change] * 3), dtype=cv2.CV_8U if top == 255 else cv2.CV_16U)
