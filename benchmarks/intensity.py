"""Photometric augmentation of a 512 px RGB image of 8 bit, one thread: what each operation takes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from statistics import median

import cv2
import numpy as np

from benchmarks._timing import ratio
from components.imaging.augmentation.intensity import Intensity
from components.parallel import without_inner_threads

_ROUNDS, _CALLS = 15, 20
_TONES = Intensity(gamma=0.8, contrast=1.2, brightness=0.05)
_CHAIN = replace(_TONES, blur=1 / 512, noise=0.04)
_CUTOUTS = ((0.1, 0.1, 0.2, 0.2), (0.5, 0.5, 0.1, 0.3), (0.7, 0.2, 0.2, 0.1))
_CHANGES = {
    "gamma, contrast and brightness": _TONES,
    "CLAHE": Intensity(clahe_clip=2.0),
    "sharpening": Intensity(sharpening=1.0),
    "blur of 1 pixel": Intensity(blur=1 / 512),
    "blur of 3 pixels": Intensity(blur=3 / 512),
    "half the resolution": Intensity(low_resolution=0.5),
    "noise": Intensity(noise=0.04),
    "three cut-outs": Intensity(cutouts=_CUTOUTS),
    "gamma, contrast, brightness, blur and noise": _CHAIN,
    "all of these": replace(_CHAIN, clahe_clip=2.0, sharpening=1.0, low_resolution=0.5, cutouts=_CUTOUTS),
}


def measure() -> Iterator[str]:
    """Yields processor time per image, and ratios of times."""
    without_inner_threads()
    image = np.random.default_rng(0).integers(0, 256, (512, 512, 3), np.uint8)
    for what, change in _CHANGES.items():
        yield f"512 px RGB, {what}: {_milliseconds(partial(change.apply, image))}"
    noise, chain, bare = (partial(change, image) for change in (_CHANGES["noise"].apply, _CHAIN.apply, _bare(image)))
    gain, cost = _ratio(partial(_plain, image), noise), _ratio(chain, bare)
    yield f"512 px RGB, noise of NumPy's float32 normal numbers: time over that of ours: {gain}"
    yield f"512 px RGB, the chain of five: time over that of its bare OpenCV calls, noise drawn before: {cost}"


def _milliseconds(work: Callable[[], object]) -> str:
    """Of the processor, not of the wall, which a busy machine stretches."""
    found = []
    for _ in range(_ROUNDS):
        begin = time.thread_time()
        _repeat(work)
        found.append(1000 * (time.thread_time() - begin) / _CALLS)
    return f"{median(found):.2f} ms ({min(found):.2f} to {max(found):.2f}, {_ROUNDS} rounds)"


def _ratio(numerator: Callable[[], object], denominator: Callable[[], object]) -> str:
    return ratio(partial(_repeat, numerator), partial(_repeat, denominator), _ROUNDS)


def _repeat(work: Callable[[], object]) -> None:
    for _ in range(_CALLS):
        work()


def _plain(image: np.ndarray) -> np.ndarray:
    noise = np.random.Generator(np.random.SFC64(0)).standard_normal(image.shape, np.float32)
    return cv2.add(image, 0.04 * 255 * noise, dtype=cv2.CV_8U)


def _bare(image: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    noise = np.random.default_rng(0).integers(-10, 11, image.shape, np.int16)
    curve = np.arange(256, dtype=np.uint8)
    return lambda image: cv2.add(cv2.GaussianBlur(cv2.LUT(image, curve), (7, 7), 1), noise, dtype=cv2.CV_8U)
