"""The same images, worse: what a model's answers are worth where images are not as those that it learnt from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from zlib import crc32

import cv2
import numpy as np

from components.imaging.adjust import Tones, toned
from components.imaging.augmentation.photometry import blurred, coarsened, noisy

_TO_8_BIT = 257


def _jpeg(image: np.ndarray, quality: int) -> np.ndarray:
    deep = image.dtype == np.uint16
    shallow = cv2.convertScaleAbs(image, alpha=1 / _TO_8_BIT) if deep else image
    # OpenCV takes the first channel for blue.
    colours = shallow[..., ::-1] if image.ndim == 3 else shallow
    _, file = cv2.imencode(".jpg", colours, [cv2.IMWRITE_JPEG_QUALITY, quality])
    kept = cv2.imdecode(file, cv2.IMREAD_UNCHANGED)
    kept = np.ascontiguousarray(kept[..., ::-1]) if image.ndim == 3 else kept
    return kept.astype(np.uint16) * _TO_8_BIT if deep else kept


DEGRADATIONS: Mapping[str, Callable[[np.ndarray, Any, str], np.ndarray]] = {
    "gamma": lambda image, gamma, _: toned(image, Tones(gamma=gamma)),
    "noise": lambda image, sigma, name: noisy(image, sigma, crc32(name.encode())),
    "blur": lambda image, sigma, _: blurred(image, sigma),
    "jpeg": lambda image, quality, _: _jpeg(image, quality),
    "resolution": lambda image, scale, _: coarsened(image, scale),
}
"""By key of `Robustness`: of an image, uint8 or uint16, `(H, W)` or RGB, with the key's value and the image's id."""
