"""Warping an image and its mask against the bare resampling that it must do, and against the usual SciPy form."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

import cv2
import numpy as np
from scipy.ndimage import gaussian_filter, map_coordinates

from benchmarks._timing import ratio
from components.imaging.augmentation.fields import Field
from components.imaging.augmentation.lenses import Lens
from components.imaging.augmentation.warp import Warp
from components.parallel import without_inner_threads

_ROUNDS, _CALLS = 15, 20
_AFFINE = Warp(horizontal_flip=True, degrees=10, zoom=1.1, shear_x=0.05)
_ELASTIC = replace(_AFFINE, elastic=Field(0.006, 16, 1))


def measure() -> Iterator[str]:
    """Yields ratios of times, one thread, RGB uint8 with its mask."""
    without_inner_threads()
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
    pair, warps = _pair(512), partial(_times, partial(_ELASTIC.apply, *_pair(512)), _CALLS)
    for what, scipy in (("noise and grid per channel", _per_channel), ("one field, affine part included", _one_field)):
        than = f"that of {_CALLS} warps (elastic, affine and flip)"
        yield f"512 px, SciPy elastic, {what}: time over {than}: {ratio(partial(scipy, *pair), warps, 5)}"


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


def _per_channel(image: np.ndarray, mask: np.ndarray) -> None:
    """The usual form: noise of the image's shape, blurred and sampled along all three axes. No affine part."""
    rng = np.random.default_rng(0)
    down, across = (1300 * gaussian_filter(rng.uniform(-1, 1, image.shape), 8, mode="constant") for _ in range(2))
    rows, columns, channels = np.indices(image.shape)
    map_coordinates(image, (rows + down, columns + across, channels), order=1)
    map_coordinates(mask, (rows[..., 0] + down[..., 0], columns[..., 0] + across[..., 0]), order=0)


def _one_field(image: np.ndarray, mask: np.ndarray) -> None:
    """A leaner form: one field for all channels, sampled with the affine map and the flip in one go."""
    height, width = mask.shape
    rng = np.random.default_rng(0)
    down, across = (114 * gaussian_filter(rng.uniform(-1, 1, mask.shape), 8) for _ in range(2))
    cosine, sine = np.cos(np.radians(10)) / 1.1, np.sin(np.radians(10)) / 1.1
    rows, columns = np.indices(mask.shape) - (height - 1) / 2
    rows, columns = rows + down, columns + across
    points = (
        sine * columns + cosine * rows + (height - 1) / 2,
        sine * rows - cosine * columns + (width - 1) / 2,
    )
    for channel in range(image.shape[2]):
        map_coordinates(image[..., channel], points, order=1)
    map_coordinates(mask, points, order=0)
