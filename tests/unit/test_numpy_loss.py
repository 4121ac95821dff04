"""The loss that others are compared with, against scikit-learn and by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy_loss import bce_dice
from sklearn.metrics import log_loss

SHAPE = (24, 31)


@pytest.mark.parametrize(
    ("truth", "probability", "loss"),
    [
        # entropy ln 2, soft Dice (2 x 0.5 + 1) / (1 + 1 + 1) = 2/3
        pytest.param([[1, 0]], [[0.5, 0.5]], (math.log(2) + 1 / 3) / 2, id="undecided"),
        # entropy (-ln 0.8 - ln 0.6) / 2, soft Dice (1.6 + 1) / (1 + 1.2 + 1)
        pytest.param([[1, 0]], [[0.8, 0.4]], (-math.log(0.48) / 2 + 1 - 2.6 / 3.2) / 2, id="leaning"),
        pytest.param([[1, 0]], [[1.0, 0.0]], 0, id="right"),
        pytest.param([[0, 0]], [[0.0, 0.0]], 0, id="rightly empty"),
        # entropy -ln 1e-7, soft Dice 1 / (1 + 1 + 1)
        pytest.param([[1, 0]], [[0.0, 1.0]], (7 * math.log(10) + 2 / 3) / 2, id="wrong"),
    ],
)
def test_bce_dice_by_hand(truth: list[list[int]], probability: list[list[float]], loss: float) -> None:
    assert bce_dice(np.array(truth, np.uint8), np.array(probability, np.float32)) == pytest.approx(loss, abs=1e-6)


def test_bce_dice_of_a_faint_haze_on_an_empty_image() -> None:
    # 512 x 512 pixels of 0.01: entropy -ln 0.99, soft Dice 1 / 2622.44
    haze = np.full((512, 512), 0.01)
    assert bce_dice(np.zeros((512, 512)), haze) == pytest.approx((-math.log(0.99) + 1 - 1 / 2622.44) / 2)


def test_bce_dice_against_scikit_learn() -> None:
    rng = np.random.default_rng(4)
    truth, probability = (rng.random(SHAPE) < 0.1).astype(np.uint8), rng.random(SHAPE)
    soft_dice = (2 * probability[truth == 1].sum() + 1) / (truth.sum() + probability.sum() + 1)
    entropy = log_loss(truth.ravel(), probability.ravel())
    assert bce_dice(truth, probability) == pytest.approx((entropy + 1 - soft_dice) / 2)
