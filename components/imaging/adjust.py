"""Changes of an image's values: gamma, inversion, contrast, CLAHE, colour space. Masks are never adjusted.

`components.serving_graph.adjust` does the same in the exported graph, from the same tables.
"""

from __future__ import annotations

from typing import Annotated, Literal, NamedTuple

import cv2
import numpy as np
from pydantic import Field

from components.settings import Section

COLOUR_SPACES: dict[str, tuple[int, tuple[float, ...], tuple[float, ...]]] = {
    "hsv": (cv2.COLOR_RGB2HSV, (0, 0, 0), (360, 1, 1)),
    "lab": (cv2.COLOR_RGB2Lab, (0, -128, -128), (100, 255, 255)),
    "luv": (cv2.COLOR_RGB2Luv, (0, -134, -140), (100, 354, 262)),
    "ycrcb": (cv2.COLOR_RGB2YCrCb, (0, 0, 0), (1, 1, 1)),
}
"""OpenCV's code, and the least value and the span of each channel, which are brought to the range of the integers.

`hsv`: hue 0 to 360 degrees, saturation, value. `lab`: L 0 to 100, a and b -128 to 127. `luv`: L 0 to 100, u -134 to
220, v -140 to 122. `ycrcb`: luma, red and blue difference, 0.5 for none. But for the hue, which it halves, these are
OpenCV's scales for 8 bit.
"""


class Tones(NamedTuple):
    """Changes of single values: contrast * value ** gamma + brightness on values in 0..1, inverted in between."""

    gamma: float = 1.0
    contrast: float = 1.0
    brightness: float = 0.0
    invert: bool = False


class Adjust(Section):
    """Changes of the image, not of its mask, before training and, in the exported graph, before each prediction."""

    gamma: Annotated[float, Field(gt=0)] = 1.0
    """value ** gamma, on values in 0..1."""
    contrast: Annotated[float, Field(gt=0)] = 1.0
    brightness: Annotated[float, Field(ge=-1, le=1)] = 0.0
    """contrast * value + brightness, on values in 0..1, clipped."""
    invert: bool = False
    clahe_clip: Annotated[float, Field(gt=0)] | None = None
    """Clip limit of contrast-limited adaptive histogram equalisation; None: off."""
    clahe_grid: Annotated[int, Field(ge=1, le=64)] = 8
    colour_space: Literal["rgb", "hsv", "lab", "luv", "ycrcb"] = "rgb"

    @property
    def tones(self) -> Tones:
        return Tones(self.gamma, self.contrast, self.brightness, self.invert)


_STRIP = 256
"""Rows that are converted at a time."""


def adjust(pixels: np.ndarray, settings: Adjust) -> np.ndarray:
    """The image after gamma, inversion, contrast and brightness, CLAHE and colour space, in this order.

    Args:
        pixels: gray `(H, W)` or RGB `(H, W, 3)`, uint8 or uint16.
        settings: the `[data.adjust]` section of the config. Gray images stay gray whatever the colour space.

    Returns:
        Same shape and type; the input itself where nothing is to be done.
    """
    pixels = toned(pixels, settings.tones)
    if settings.clahe_clip is not None:
        pixels = equalized(pixels, settings.clahe_clip, settings.clahe_grid)
    if pixels.ndim == 3 and settings.colour_space != "rgb":
        pixels = _converted(pixels, settings.colour_space)
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


def _converted(pixels: np.ndarray, space: str) -> np.ndarray:
    # By floats for both depths: OpenCV's 8-bit tables are up to 3 levels off, and few of them exist for 16 bit.
    code, least, span = COLOUR_SPACES[space]
    top = np.iinfo(pixels.dtype).max
    converted = np.empty_like(pixels)
    # Floats of a whole image would take many times its memory.
    for start in range(0, len(pixels), _STRIP):
        strip = slice(start, start + _STRIP)
        values = cv2.cvtColor(np.divide(pixels[strip], top, dtype=np.float32), code)
        scaled = (values - np.array(least, np.float32)) * (top / np.array(span, np.float32))
        converted[strip] = np.rint(scaled).clip(0, top)
    return converted
