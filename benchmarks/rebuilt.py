"""What of an image can be rebuilt from its signature, by someone who has other images of its kind.

Ridge regression from the signature around each place, and the place itself, to the content of the image at 64 x 64
pixels; then the correlation of what is rebuilt with what was there, of images that it has not learnt from. With
`MASKLINE_BENCH_DATA` in the environment, the folder of `nuclei-mini`, also of real images.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median

import cv2
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from components.imaging.files.codecs import read_image
from components.imaging.fingerprint import SIDE, content_of, signature
from components.seen.prints import coarse
from pipeline.runs.phantoms.film import draw_film

_WINDOW = 15
_RIDGE = 200.0
Image = np.ndarray


def measure() -> Iterator[str]:
    """Yields the correlations for each kind of image and each form of signatures."""
    films = [draw_film(number, 128, seed).pixels for seed in (1, 2) for number in range(1, 61)]
    kinds = {"phantom films": (films[:60], films[60:])}
    if data := os.environ.get("MASKLINE_BENCH_DATA"):
        nuclei = [read_image(path) for path in sorted((Path(data) / "nuclei-mini/images").iterdir())]
        kinds["nuclei-mini"] = (nuclei[::2], nuclei[1::2])
    for kind, (learnt, shown) in kinds.items():
        for form in ("full", "coarse", "none"):
            found = correlations(learnt, shown, form)
            yield f"{kind}, {form}: correlation at {SIDE} px, median {median(found):.2f}, largest {max(found):.2f}"


def correlations(learnt: Sequence[Image], shown: Sequence[Image], form: str) -> list[float]:
    """Of each image of `shown` that has a signature, after learning from `learnt`; of the form `none` the place is all
    that is known."""
    pairs = [(_features(image, form), content_of(image)) for image in learnt if any(signature(image))]
    products = sum(features.T @ features for features, _ in pairs) + _RIDGE * np.eye(pairs[0][0].shape[1])
    targets = sum(features.T @ _normed(content).ravel() for features, content in pairs)
    weights = np.linalg.solve(products, targets)
    return [
        float(np.corrcoef(_features(image, form) @ weights, content_of(image).ravel())[0, 1])
        for image in shown
        if any(signature(image))
    ]


def _features(image: Image, form: str) -> np.ndarray:
    """float `(4096, n)`: what is known around each place of the content."""
    down, across = np.mgrid[:SIDE, :SIDE] / SIDE
    place = np.stack([np.ones_like(down), down, across, down**2, across**2, down * across], axis=-1).reshape(-1, 6)
    if form == "none":
        return place
    details = np.frombuffer(signature(image), np.int8).reshape(1, SIDE, SIDE)
    known = coarse(details)[0] if form == "coarse" else details[0]
    known = cv2.resize(known.astype(np.float32), (SIDE, SIDE), interpolation=cv2.INTER_CUBIC) / 40
    return np.hstack([_windows(known), _windows(np.abs(known)), place])


def _windows(values: np.ndarray) -> np.ndarray:
    padded = np.pad(values, _WINDOW // 2, mode="reflect")
    return sliding_window_view(padded, (_WINDOW, _WINDOW)).reshape(SIDE * SIDE, -1)


def _normed(values: np.ndarray) -> np.ndarray:
    return (values - values.mean()) / (values.std() + 1e-9)
