"""Counts of pixels, and overlap measures of them, against scikit-learn and by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix, f1_score, jaccard_score, multilabel_confusion_matrix

from components.imaging.truth.classes import IGNORE
from components.measures.all import MEASURES
from components.measures.confusion import Confusion, confusion
from components.measures.measure import EmptyMasks
from components.measures.overlap import dice, iou

SHAPE = (24, 31)


@pytest.mark.parametrize("truth_share", [0.02, 0.5, 0.98])
@pytest.mark.parametrize("predicted_share", [0.02, 0.5])
def test_against_scikit_learn(truth_share: float, predicted_share: float) -> None:
    rng = np.random.default_rng(3)
    truth, predicted = rng.random(SHAPE) < truth_share, rng.random(SHAPE) < predicted_share
    counts = confusion(truth, predicted)
    flat = truth.ravel(), predicted.ravel()
    assert (counts.tn, counts.fp, counts.fn, counts.tp) == tuple(confusion_matrix(*flat).ravel())
    assert dice(counts) == pytest.approx(f1_score(*flat))
    assert iou(counts) == pytest.approx(jaccard_score(*flat))


def test_classes_with_pixels_to_be_ignored_against_scikit_learn() -> None:
    rng = np.random.default_rng(5)
    truth, predicted = (rng.integers(0, 3, SHAPE).astype(np.uint8) for _ in range(2))
    truth[rng.random(SHAPE) < 0.3] = IGNORE
    flat = truth[truth != IGNORE], predicted[truth != IGNORE]
    matrices = multilabel_confusion_matrix(*flat, labels=[1, 2])
    for index, ((tn, fp), (fn, tp)) in enumerate(matrices, 1):
        counts = confusion(truth, predicted, index)
        assert counts == Confusion(tp, fp, fn, tn)
        assert dice(counts) == pytest.approx(f1_score(*flat, labels=[index], average=None)[0])
        assert iou(counts) == pytest.approx(jaccard_score(*flat, labels=[index], average=None)[0])


def test_by_hand() -> None:
    counts = confusion(np.array([[1, 1, 0, 0]]), np.array([[1, 0, 1, 0]]))
    assert counts == Confusion(tp=1, fp=1, fn=1, tn=1)
    assert dice(counts) == 2 / 4
    assert iou(counts) == 1 / 3


def test_a_class_is_told_from_the_others_and_from_what_is_not_judged() -> None:
    truth, predicted = np.array([[0, 1, 2, 2, 255, 255]], np.uint8), np.array([[0, 2, 2, 1, 2, 0]], np.uint8)
    assert confusion(truth, predicted, 1) == Confusion(tp=0, fp=1, fn=1, tn=2)
    assert confusion(truth, predicted, 2) == Confusion(tp=1, fp=1, fn=1, tn=1)


def test_background_does_not_count() -> None:
    """A lesion missed on a large film is 0, however much background is right."""
    counts = Confusion(tp=0, fp=0, fn=10, tn=10**6)
    assert dice(counts) == iou(counts) == 0


@pytest.mark.parametrize(
    ("truth", "predicted", "overlap", "pixels"), [(0, 0, 1, 0), (0, 1, 0, 0), (1, 0, 0, 744), (1, 1, 1, 744)]
)
def test_empty_and_full_images(truth: int, predicted: int, overlap: float, pixels: int) -> None:
    counts = confusion(np.full(SHAPE, truth), np.full(SHAPE, predicted))
    assert (dice(counts), iou(counts), counts.truth_pixels) == (overlap, overlap, pixels)


@pytest.mark.parametrize(
    ("rule", "fp", "value"),
    [("skip", 0, math.nan), ("skip", 3, math.nan), ("zero_if_predicted", 0, 1), ("zero_if_predicted", 3, 0)],
)
def test_the_rule_for_empty_truth(rule: EmptyMasks, fp: int, value: float) -> None:
    for each in MEASURES.values():
        np.testing.assert_equal(each.value(Confusion(0, fp, 0, 9), rule), value)
        assert each.value(Confusion(1, fp, 0, 9), rule) == each.of(Confusion(1, fp, 0, 9))
