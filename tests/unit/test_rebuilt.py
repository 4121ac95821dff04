"""What signatures give away of the images: the full form is a picture of them, the coarse one a blur."""

from __future__ import annotations

from statistics import median

import cv2
import numpy as np

from benchmarks.rebuilt import correlations


def blobs(seed: int) -> np.ndarray:
    """Some forty round spots anywhere, of any brightness, as of nuclei."""
    rng = np.random.default_rng(seed)
    image = np.zeros((128, 128), np.uint8)
    for _ in range(40):
        column, row = map(int, rng.integers(0, 128, 2))
        cv2.circle(image, (column, row), int(rng.integers(4, 9)), int(rng.integers(80, 255)), -1)
    return cv2.GaussianBlur(image, (0, 0), 1.5)


def test_what_a_signature_gives_away() -> None:
    learnt, shown = [blobs(seed) for seed in range(12)], [blobs(seed) for seed in range(100, 110)]
    found = {form: median(correlations(learnt, shown, form)) for form in ("full", "coarse", "none")}
    assert found["full"] > 0.85, found
    assert found["coarse"] < 0.6, found
    assert abs(found["none"]) < 0.2, found
