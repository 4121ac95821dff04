"""Windows of an image that a model sees at once, and one answer of those of many."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import NamedTuple

import cv2
import numpy as np

from components.imaging.geometry.placement import FITS, Placement
from components.imaging.geometry.tiles import tile_placements
from components.inference.blending import Blend, mean
from components.records.settings import Derivation


class Whole(NamedTuple):
    """The answer to an image."""

    probability: np.ndarray
    """float32 `(H, W, K)` at its size."""
    scale: float
    """How many of its pixels cover the area of one as the model sees it."""


def windows_of(height: int, width: int, size: tuple[int, int], derivation: Derivation) -> list[Placement]:
    """Where the windows of a model of `size` (height, width) lie in an image, as derivation cuts it; in pixels."""
    tiles = derivation.tiles
    if tiles:
        return tile_placements(height, width, *size, tiles.overlap, tiles.edge)
    return [FITS[derivation.fit](height, width, *size)]


def scale_of(window: Placement) -> float:
    """Of an image of which it is a window, `Whole.scale`."""
    return window.source_height * window.source_width / (window.content_height * window.content_width)


def joined(
    answers: Iterable[np.ndarray], sizes: Iterable[tuple[int, int]], derivation: Derivation, blend: Blend = mean
) -> Iterator[Whole]:
    """The answers to images of `sizes` (height, width), of those to all their windows, in their order.

    Raises:
        ValueError: there are fewer or more answers than windows.
    """
    each = iter(answers)
    for height, width in sizes:
        first = next(each, None)
        if first is None:
            raise ValueError(f"no answer to a window of an image of {width} x {height} pixels")
        window = (first.shape[0], first.shape[1])
        places = windows_of(height, width, window, derivation)
        probability = blended(chain([first], islice(each, len(places) - 1)), places, blend)
        yield Whole(probability, scale_of(places[0]))
    if next(each, None) is not None:
        raise ValueError("there are more answers than windows of the images")


def blended(answers: Iterable[np.ndarray], windows: Sequence[Placement], blend: Blend = mean) -> np.ndarray:
    """One answer for an image: the mean where windows overlap, weighed by `blend`; background where none looks.

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
        weights = blend(window, windows)[own]
        total[there] += answer[own] * weights
        looks[there] += weights
    if total is None or looks is None:
        raise ValueError("no window: nothing can be blended")
    return _resized(shares(total, looks), (windows[0].source_height, windows[0].source_width))


def shares(total: np.ndarray, looks: np.ndarray) -> np.ndarray:
    """Weighted sums `(h, w, K)` by the sums of their weights `(h, w, 1)`; background where none looks."""
    answer = np.divide(total, looks, out=np.zeros_like(total), where=looks > 0)
    if answer.shape[-1] > 1:
        answer[..., 0][looks[..., 0] == 0] = 1
    return answer


def _resized(values: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    if values.shape[:2] == size:
        return values
    # OpenCV drops a last axis of one channel.
    return cv2.resize(values, size[::-1], interpolation=cv2.INTER_LINEAR).reshape(*size, values.shape[-1])
