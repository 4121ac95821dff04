"""Overlap measures against scikit-learn and by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix, f1_score, jaccard_score, log_loss

from components.measures.overlap import Confusion, bce_dice, confusion

SHAPE = (24, 31)


@pytest.mark.parametrize("truth_share", [0.02, 0.5, 0.98])
@pytest.mark.parametrize("predicted_share", [0.02, 0.5])
def test_against_scikit_learn(truth_share: float, predicted_share: float) -> None:
    rng = np.random.default_rng(3)
    truth, predicted = rng.random(SHAPE) < truth_share, rng.random(SHAPE) < predicted_share
    counts = confusion(truth, predicted)
    flat = truth.ravel(), predicted.ravel()
    assert (counts.tn, counts.fp, counts.fn, counts.tp) == tuple(confusion_matrix(*flat).ravel())
    assert counts.dice == pytest.approx(f1_score(*flat))
    assert counts.iou == pytest.approx(jaccard_score(*flat))


def test_by_hand() -> None:
    counts = confusion(np.array([[1, 1, 0, 0]]), np.array([[1, 0, 1, 0]]))
    assert counts == Confusion(tp=1, fp=1, fn=1, tn=1)
    assert counts.dice == 2 / 4
    assert counts.iou == 1 / 3


def test_background_does_not_count() -> None:
    """A lesion missed on a large film is 0, however much background is right."""
    counts = Confusion(tp=0, fp=0, fn=10, tn=10**6)
    assert counts.dice == counts.iou == 0


def test_any_class_is_foreground() -> None:
    assert confusion(np.array([[0, 1, 2]], np.uint8), np.array([[0, 255, 1]], np.uint8)) == Confusion(2, 0, 0, 1)


@pytest.mark.parametrize(
    ("truth", "predicted", "overlap", "empty"), [(0, 0, 1, True), (0, 1, 0, True), (1, 0, 0, False), (1, 1, 1, False)]
)
def test_empty_and_full_images(truth: int, predicted: int, overlap: float, empty: bool) -> None:
    counts = confusion(np.full(SHAPE, truth), np.full(SHAPE, predicted))
    assert (counts.dice, counts.iou, counts.truth_is_empty) == (overlap, overlap, empty)


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
