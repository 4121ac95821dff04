"""Images and changes of their values, for the tests of photometric augmentation."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest

DEPTHS = pytest.mark.parametrize(("dtype", "top"), [(np.uint8, 255), (np.uint16, 65535)])


def picture(dtype: Any = np.uint8, shape: tuple[int, ...] = (96, 128, 3)) -> np.ndarray:
    """A smooth random picture that fills the range; at 16 bit, 257 times the values of 8 bit."""
    noise = np.random.default_rng(1).normal(size=shape)
    smooth = cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 2), None, 0, 255, cv2.NORM_MINMAX)
    return np.rint(smooth).astype(dtype) * np.array(np.iinfo(dtype).max // 255, dtype)
