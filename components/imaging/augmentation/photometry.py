"""Single changes of an image's values, each with the same meaning at 8 and 16 bit and at any size of image.

Images are gray `(H, W)` or RGB `(H, W, 3)`, uint8 or uint16, and keep shape and type. Values saturate, they never
wrap. Nothing is done in place.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import cv2
import numpy as np
import scipy

from components.imaging.adjust import equalized

_DEPTHS = {np.dtype(np.uint8): cv2.CV_8U, np.dtype(np.uint16): cv2.CV_16U}
_CLAHE_TILES = 8
_BLUR_REACH = 3


def contrast_limited(image: np.ndarray, clip: float) -> np.ndarray:
    """Contrast-limited adaptive histogram equalisation over 8 x 8 tiles, see `adjust.equalized`.

    16 bit are changed as their 8 bit are: with 65536 bins the limit would be another one.
    """
    if image.dtype == np.uint8:
        return equalized(image, clip, _CLAHE_TILES)
    shallow = cv2.convertScaleAbs(image, alpha=1 / 257)
    change = cv2.subtract(equalized(shallow, clip, _CLAHE_TILES), shallow, dtype=cv2.CV_32S)
    return cv2.add(image, 257 * change, dtype=cv2.CV_16U)


def sharpened(image: np.ndarray, amount: float) -> np.ndarray:
    """After the 3 x 3 kernel with 1 + 8 * `amount` in the middle and -`amount` around it; edges are reflected."""
    kernel = np.full((3, 3), -amount, np.float32)
    kernel[1, 1] = 1 + 8 * amount
    return cv2.filter2D(image, -1, kernel)


def blurred(image: np.ndarray, sigma: float) -> np.ndarray:
    """After a Gaussian of `sigma` pixels, cut off at 3 sigma, normalised; edges are reflected."""
    # OpenCV's own choice of the kernel's size differs between 8 and 16 bit.
    size = 2 * math.ceil(_BLUR_REACH * sigma) + 1
    return cv2.GaussianBlur(image, (size, size), sigma)


def coarsened(image: np.ndarray, scale: float) -> np.ndarray:
    """As if taken at `scale` times the resolution: averaged over areas, then interpolated linearly to its size."""
    height, width = image.shape[:2]
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR_EXACT)


def noisy(image: np.ndarray, sigma: float, seed: int) -> np.ndarray:
    """With noise of its own in each pixel and channel; `sigma` over the largest value of the image's type.

    The distribution is the normal one, of which each value takes one of 65536 equally likely quantiles, those of
    (i + 1/2) / 65536: 4.3 sigma at most, a standard deviation of 0.99999 sigma, a kurtosis of 2.999. It is added
    rounded, which for whole values is the rounding of the sum. Saturation at black and white cuts it off: on black,
    its mean is 0.4 sigma.

    Five times as fast as `Generator.standard_normal`, and made of nothing but the raw stream of the bit generator,
    which NumPy promises not to change, and of quantiles that are rounded to whole levels: unlike most of the other
    changes it is the same on every little-endian machine.
    """
    # Only 16 bit can have noise beyond the range of int16.
    levels = np.int16 if image.dtype == np.uint8 else np.int32
    quantiles = np.rint(sigma * np.iinfo(image.dtype).max * _normal_quantiles()).astype(levels)
    drawn = np.random.SFC64(seed).random_raw(-(-image.size // 4)).view(np.uint16)[: image.size]
    return cv2.add(image, quantiles.take(drawn).reshape(image.shape), dtype=_DEPTHS[image.dtype])


def cut_out(image: np.ndarray, rectangles: Sequence[tuple[float, float, float, float]]) -> np.ndarray:
    """With rectangles `(top, left, height, width)`, relative to the image's sides, replaced by its mean colour."""
    height, width = image.shape[:2]
    cut = image.copy()
    mean = np.rint(cv2.mean(image)[: image.size // (height * width)])
    for top, left, down, across in rectangles:
        rows = slice(round(top * height), round((top + down) * height))
        cut[rows, round(left * width) : round((left + across) * width)] = mean
    return cut


@lru_cache(maxsize=1)
def _normal_quantiles() -> np.ndarray:
    return scipy.special.ndtri((np.arange(65536) + 0.5) / 65536)
