"""Warping an image and its mask against the bare resampling that it must do, and against the usual SciPy form."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

import cv2
import numpy as np
from scipy.ndimage import gaussian_filter, map_coordinates

from benchmarks.timing import ratio
from components.imaging.fields import Field
from components.imaging.lenses import Lens
from components.imaging.warp import Warp

_ROUNDS, _CALLS = 15, 20
_AFFINE = Warp(horizontal_flip=True, degrees=10, zoom=1.1, shear_x=0.05)
_ELASTIC = replace(_AFFINE, elastic=Field(0.006, 16, 1))


def measure() -> Iterator[str]:
    """Yields ratios of times, one thread, RGB uint8 with its mask."""
    cv2.setNumThreads(1)
    for size in (512, 1024):
        pair = _pair(size)
        for grid in (8, 16, 37):
            warp = replace(_ELASTIC, elastic=Field(0.006, grid, 1))
            bare = partial(_remaps, *pair, *warp.maps(size, size))
            yield _line(size, f"elastic (grid {grid}), affine and flip", "its two bare cv2.remap calls", warp, bare)
        yield _line(size, "affine and flip", "its two bare cv2.warpAffine calls", _AFFINE, partial(_affines, *pair))
        lens = Warp(lenses=(Lens(0.5, 0.5, 0.3, 0.3),))
        bare = partial(_remaps, *pair, *lens.maps(size, size))
        yield _line(size, "barrel", "its two bare cv2.remap calls", lens, bare)
    pair = _pair(512)
    scipy = ratio(partial(_scipy_elastic, *pair), partial(_times, partial(_ELASTIC.apply, *pair), _CALLS), 3)
    yield f"512 px, elastic, affine and flip: SciPy's time over that of {_CALLS} warps: {scipy}"


def _line(size: int, what: str, than: str, warp: Warp, bare: Callable[[], object]) -> str:
    calls = _CALLS * 512 * 512 // size**2
    apply = partial(warp.apply, *_pair(size))
    reached = ratio(partial(_times, apply, calls), partial(_times, bare, calls), _ROUNDS)
    return f"{size} px, {what}: time over that of {than}: {reached}"


def _pair(size: int) -> tuple[np.ndarray, np.ndarray]:
    image = cv2.GaussianBlur(np.random.default_rng(0).integers(0, 256, (size, size, 3), np.uint8), (0, 0), 3)
    return image, (image[..., 0] > np.median(image[..., 0])).astype(np.uint8)


def _times(work: Callable[[], object], count: int) -> None:
    for _ in range(count):
        work()


def _remaps(image: np.ndarray, mask: np.ndarray, map_x: np.ndarray, map_y: np.ndarray) -> None:
    cv2.remap(image, map_x, map_y, cv2.INTER_LINEAR)
    cv2.remap(mask, map_x, map_y, cv2.INTER_NEAREST)


def _affines(image: np.ndarray, mask: np.ndarray) -> None:
    height, width = mask.shape
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), 10, 1.1)
    cv2.warpAffine(image, matrix, (width, height), flags=cv2.INTER_LINEAR)
    cv2.warpAffine(mask, matrix, (width, height), flags=cv2.INTER_NEAREST)


def _scipy_elastic(image: np.ndarray, mask: np.ndarray) -> None:
    """The form of most tutorials: full-size noise, blurred; sampled at a rotated grid, channel by channel."""
    height, width = mask.shape
    rng = np.random.default_rng(0)
    down, across = (114 * gaussian_filter(rng.uniform(-1, 1, mask.shape), 8) for _ in range(2))
    angle = np.radians(10)
    rows, columns = np.mgrid[:height, :width] - (height - 1) / 2
    rows, columns = rows + down, -(columns + across)
    points = (
        rows * np.cos(angle) - columns * np.sin(angle) + (height - 1) / 2,
        rows * np.sin(angle) + columns * np.cos(angle) + (width - 1) / 2,
    )
    np.dstack([map_coordinates(image[..., channel], points, order=1) for channel in range(image.shape[2])])
    map_coordinates(mask, points, order=0)
