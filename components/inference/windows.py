"""Windows of an image that a model sees at once, and one answer of those of many."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import cv2
import numpy as np

from components.imaging.geometry.placement import FITS, Placement
from components.imaging.geometry.tiles import tile_placements
from components.records.settings import Derivation


def windows_of(height: int, width: int, size: tuple[int, int], derivation: Derivation) -> list[Placement]:
    """Where the windows of a model of `size` (height, width) lie in an image, as derivation cuts it; in pixels."""
    tiles = derivation.tiles
    if tiles:
        return tile_placements(height, width, *size, tiles.overlap, tiles.edge)
    return [FITS[derivation.fit](height, width, *size)]


def blended(answers: Iterable[np.ndarray], windows: Sequence[Placement]) -> np.ndarray:
    """One answer for an image: the mean where windows overlap, background where none looks.

    Args:
        answers: of each window, float32 `(height, width, K)`: probabilities of one class, or of each class index.
        windows: of one image.

    Returns:
        float32 `(h, w, K)` at the size of the image.
    """
    total, looks = None, None
    for window, answer in zip(windows, answers, strict=True):
        if total is None or looks is None:
            total = np.zeros((window.content_height, window.content_width, answer.shape[-1]), np.float32)
            looks = np.zeros((*total.shape[:2], 1), np.float32)
        there, own = window.overlap()
        total[there] += answer[own]
        looks[there] += 1
    if total is None or looks is None:
        raise ValueError("no window: nothing can be blended")
    mean = np.divide(total, looks, out=np.zeros_like(total), where=looks > 0)
    if mean.shape[-1] > 1:
        mean[..., 0][looks[..., 0] == 0] = 1
    return _resized(mean, (windows[0].source_height, windows[0].source_width))


def _resized(values: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    if values.shape[:2] == size:
        return values
    # OpenCV drops a last axis of one channel.
    return cv2.resize(values, size[::-1], interpolation=cv2.INTER_LINEAR).reshape(*size, values.shape[-1])
