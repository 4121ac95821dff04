"""One table of truths and predictions, over which every measure is held against an independent reference."""

from __future__ import annotations

import numpy as np
import pytest

from components.imaging.truth.classes import IGNORE
from components.measures.comparison import Comparison

HEIGHT, WIDTH = 19, 34


def drawn(*boxes: tuple[int, int, int, int], index: int = 1) -> np.ndarray:
    """Class indices with these boxes (first row, first column, last row, last column) of a class."""
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    for top, left, bottom, right in boxes:
        mask[top : bottom + 1, left : right + 1] = index
    return mask


def _noise(values: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, values, (HEIGHT, WIDTH)).astype(np.uint8)


def _rimmed(mask: np.ndarray, *box: int) -> np.ndarray:
    """Judged within a box alone, and not in a strip across it."""
    top, left, bottom, right = box
    rim = np.full_like(mask, IGNORE)
    rim[top : bottom + 1, left : right + 1] = mask[top : bottom + 1, left : right + 1]
    rim[:, WIDTH // 2] = IGNORE
    return rim


NOTHING, FULL = drawn(), drawn((0, 0, HEIGHT, WIDTH))
PIXEL = drawn((7, 9, 7, 9))
SQUARE = drawn((4, 5, 9, 12))
TABLE = {
    "both empty": (NOTHING, NOTHING),
    "a false alarm": (NOTHING, SQUARE),
    "missed": (SQUARE, NOTHING),
    "both full": (FULL, FULL),
    "full truth": (FULL, SQUARE),
    "full prediction": (SQUARE, FULL),
    "one pixel": (PIXEL, PIXEL),
    "one pixel, one off": (PIXEL, drawn((8, 10, 8, 10))),
    "in the corners": (drawn((0, 0, 3, 4)), drawn((HEIGHT - 3, WIDTH - 4, HEIGHT - 1, WIDTH - 1), (0, 0, 1, 1))),
    "along the border": (drawn((0, 0, HEIGHT, 2)), drawn((0, 1, HEIGHT, 4))),
    "disjoint": (SQUARE, drawn((12, 20, 16, 30))),
    "side by side": (SQUARE, drawn((4, 13, 9, 20))),
    "touching at a corner": (SQUARE, drawn((10, 13, 14, 16))),
    "within": (SQUARE, drawn((6, 7, 7, 10))),
    "several lesions": (drawn((1, 1, 3, 3), (6, 8, 12, 12), (2, 25, 4, 31)), drawn((2, 2, 8, 9), (15, 20, 17, 22))),
    "noise": (_noise(2, 1), _noise(2, 2)),
    "several classes": (_noise(3, 3), _noise(3, 4)),
    "ignored rims": (_rimmed(SQUARE, 3, 5, 8, 28), drawn((5, 0, 12, 20))),
    "noise with ignored rims": (_rimmed(_noise(3, 5), 2, 3, 15, 30), _noise(3, 6)),
}
"""By what they show: truth with pixels to be ignored, and prediction."""

over_the_table = pytest.mark.parametrize(("truth", "predicted"), TABLE.values(), ids=TABLE)


def probabilities(predicted: np.ndarray, seed: int = 11) -> np.ndarray:
    """float32 `(H, W)`, at least a half where class 1 is predicted, and less elsewhere; some of them equal."""
    drawn_ = np.random.default_rng(seed).integers(0, 32, predicted.shape) / 64
    return np.where(predicted == 1, 0.5 + drawn_, drawn_).astype(np.float32)


def seen(truth: np.ndarray, predicted: np.ndarray, **more: object) -> Comparison:
    """Of class 1, with its probability."""
    return Comparison(truth, predicted, **({"probability": probabilities(predicted)} | more))


def judged_alone(truth: np.ndarray, predicted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Whether class 1 is true and predicted, flat, of the pixels that are judged."""
    kept = truth != IGNORE
    return truth[kept] == 1, predicted[kept] == 1
