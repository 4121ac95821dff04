"""Counts of pixels, and overlap measures of them, against scikit-learn and by hand."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from compared import HEIGHT, NOTHING, PIXEL, SQUARE, WIDTH, judged_alone, over_the_table, probabilities, seen
from sklearn.metrics import confusion_matrix, f1_score, jaccard_score, precision_score, recall_score

from components.imaging.truth.classes import IGNORE
from components.measures.all import class_measures
from components.measures.comparison import Comparison
from components.measures.confusion import Confusion, confusion
from components.measures.measure import ClassMeasure, EmptyMasks
from components.measures.overlap import dice, iou, precision, sensitivity


@over_the_table
def test_against_scikit_learn(truth: np.ndarray, predicted: np.ndarray) -> None:
    flat = judged_alone(truth, predicted)
    counts = confusion(truth, predicted)
    assert (counts.tn, counts.fp, counts.fn, counts.tp) == tuple(confusion_matrix(*flat, labels=[False, True]).ravel())
    for measure, reference, empty in (
        *((dice, f1_score, 1.0), (iou, jaccard_score, 1.0)),
        *((sensitivity, recall_score, math.nan), (precision, precision_score, math.nan)),
    ):
        np.testing.assert_allclose(measure(counts), reference(*flat, zero_division=empty), err_msg=measure.__name__)


def test_by_hand() -> None:
    counts = confusion(np.array([[1, 1, 0, 0]]), np.array([[1, 0, 1, 1]]))
    assert counts == Confusion(tp=1, fp=2, fn=1, tn=0)
    assert (dice(counts), iou(counts), sensitivity(counts), precision(counts)) == (2 / 5, 1 / 4, 1 / 2, 1 / 3)
    assert counts.of_nothing == Confusion(tp=0, fp=0, fn=2, tn=2)


def test_a_class_is_told_from_the_others_and_from_what_is_not_judged() -> None:
    truth, predicted = np.array([[0, 1, 2, 2, 255, 255]], np.uint8), np.array([[0, 2, 2, 1, 2, 0]], np.uint8)
    assert confusion(truth, predicted, 1) == Confusion(tp=0, fp=1, fn=1, tn=2)
    assert confusion(truth, predicted, 2) == Confusion(tp=1, fp=1, fn=1, tn=1)


def test_background_does_not_count() -> None:
    """A lesion missed on a large film is 0, however much background is right."""
    counts = Confusion(tp=0, fp=0, fn=10, tn=10**6)
    assert dice(counts) == iou(counts) == sensitivity(counts) == 0


@over_the_table
def test_what_lies_under_pixels_to_be_ignored_changes_nothing(truth: np.ndarray, predicted: np.ndarray) -> None:
    ignored, rng = truth == IGNORE, np.random.default_rng(9)
    other = np.where(ignored, rng.integers(0, 3, truth.shape), predicted).astype(np.uint8)
    doubt = np.where(ignored, rng.random(truth.shape), probabilities(predicted)).astype(np.float32)
    one, changed = seen(truth, predicted), seen(truth, other, probability=doubt)
    for measure in class_measures():
        np.testing.assert_equal(measure.value(changed, "skip"), measure.value(one, "skip"), err_msg=measure.name)


@pytest.mark.parametrize("rule", ["skip", "zero_if_predicted"])
@pytest.mark.parametrize("measure", class_measures(), ids=lambda measure: measure.name)
def test_what_is_undefined_has_a_rule(measure: ClassMeasure[Any], rule: EmptyMasks) -> None:
    """Where a measure is NaN it says so; one that goes by `empty_masks` is 1 or 0 under its other rule."""
    right, alarm, missed = (
        measure.value(seen(*pair), rule) for pair in ((NOTHING, NOTHING), (NOTHING, SQUARE), (SQUARE, NOTHING))
    )
    if measure.by_empty_masks:
        assert not math.isnan(missed)
        np.testing.assert_equal((right, alarm), {"skip": (math.nan, math.nan), "zero_if_predicted": (1, 0)}[rule])
    elif any(map(math.isnan, (right, alarm, missed))):
        assert measure.undefined
    assert not math.isnan(measure.value(seen(SQUARE, PIXEL), rule))


def test_each_measure_has_numbers_whatever_the_size() -> None:
    for shape in ((1, 1), (1, WIDTH), (HEIGHT, 1)):
        nothing, full = np.zeros(shape, np.uint8), np.ones(shape, np.uint8)
        for measure in class_measures():
            for truth in (nothing, full):
                for predicted in (nothing, full):
                    assert isinstance(measure.value(seen(truth, predicted), "zero_if_predicted"), float)


def test_a_fact_is_found_once() -> None:
    found = []

    def fact(of: Comparison) -> int:
        found.append(of)
        return len(found)

    compared = seen(SQUARE, SQUARE)
    assert (compared.fact(fact), compared.fact(fact)) == (1, 1)
