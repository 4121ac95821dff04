"""The appendix, against scikit-learn and by hand, and what predicting nothing scores."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from compared import NOTHING, SQUARE, judged_alone, over_the_table, probabilities, seen
from evaluated import case, settings
from sklearn.metrics import (
    accuracy_score,
    cohen_kappa_score,
    f1_score,
    matthews_corrcoef,
    recall_score,
    roc_auc_score,
)

from components.evaluator.core import metrics
from components.imaging.truth.classes import IGNORE
from components.measures.all import MEASURES, class_measures
from components.measures.background import (
    accuracy,
    dice_with_background,
    kappa,
    levels,
    mcc,
    pixel_auc,
    pooled_dice,
    smoothed_soft_dice,
    specificity,
    true_probability,
)
from components.measures.calibration import sums
from components.measures.confusion import Confusion, confusion, counts
from components.measures.measure import ClassMeasure
from components.measures.summary import TOGETHER


@over_the_table
def test_against_scikit_learn(truth: np.ndarray, predicted: np.ndarray) -> None:
    true, said = judged_alone(truth, predicted)
    found = confusion(truth, predicted)
    assert accuracy(found) == pytest.approx(accuracy_score(true, said))
    expected = recall_score(true, said, pos_label=False, zero_division=math.nan)
    assert specificity(found) == pytest.approx(expected, nan_ok=True)
    both = np.mean([f1_score(true, said, pos_label=label, zero_division=1.0) for label in (False, True)])
    assert dice_with_background(found) == pytest.approx(both)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert kappa(found) == pytest.approx(cohen_kappa_score(true, said), nan_ok=True)
    one_kind = true.all() or not true.any()
    assert mcc(found) == pytest.approx(math.nan if one_kind else matthews_corrcoef(true, said), nan_ok=True)
    of_levels = levels(seen(truth, predicted))
    assert of_levels is not None
    p = probabilities(predicted)[truth != IGNORE]
    assert pixel_auc(of_levels) == pytest.approx(math.nan if one_kind else roc_auc_score(true, p), nan_ok=True)


@over_the_table
def test_sums_of_probabilities_against_loops(truth: np.ndarray, predicted: np.ndarray) -> None:
    found = sums(seen(truth, predicted))
    assert found is not None
    kept = truth != IGNORE
    p, y = probabilities(predicted)[kept].astype(float), truth[kept] == 1
    assert true_probability(found) == pytest.approx(np.where(y, p, 1 - p).mean())
    assert smoothed_soft_dice(found) == pytest.approx((2 * p[y].sum() + 1) / (p.sum() + y.sum() + 1))


def test_a_probability_of_one_is_a_level_too() -> None:
    sure = np.where(SQUARE == 1, 1.0, 0.0).astype(np.float32)
    found = levels(seen(SQUARE, SQUARE, probability=sure))
    assert found is not None
    assert found.of_class[-1] == 48
    assert pixel_auc(found) == 1


def test_an_empty_prediction_looks_good() -> None:
    """Of a lesion of 1 % of the film; the mean probability of what is true is as in the systems that call it Dice."""
    truth = np.zeros((10, 100), np.uint8)
    truth[:1, :10] = 1
    unsure = np.full(truth.shape, 0.0103, np.float32)
    compared = seen(truth, np.zeros_like(truth), probability=unsure)
    values = {each.name: each.value(compared, "skip") for each in class_measures() if each.family == "background"}
    assert values["true_probability"] == pytest.approx(0.99 * 0.9897 + 0.01 * 0.0103)
    assert values["accuracy"] == 0.99
    assert (values["specificity"], values["kappa"], values["mcc"], values["pixel_auc"]) == (1, 0, 0, 0.5)


@pytest.mark.parametrize("measure", [each for each in class_measures() if each.of_nothing], ids=lambda each: each.name)
@pytest.mark.parametrize("truth", [SQUARE, NOTHING, np.ones_like(SQUARE)])
def test_what_predicting_nothing_scores(measure: ClassMeasure, truth: np.ndarray) -> None:
    compared = seen(truth, NOTHING, probability=np.zeros(truth.shape, np.float32))
    value = measure.value(compared, "skip")
    expected = measure.of_nothing(compared.fact(counts).of_nothing)
    assert math.isnan(value) or value == pytest.approx(expected)


def test_the_appendix_alone_says_it_in_the_metrics() -> None:
    cases = [case(0.5, counts=Confusion(5, 5, 5, 85)), case(0.5, counts=Confusion(10, 0, 20, 70))]
    found = metrics(cases, cases, "17", settings())
    told = {name for name in MEASURES if "nothing" in found[name]}
    assert told == {name for name, each in MEASURES.items() if each.family == "background"}
    assert told == {name for name in MEASURES if "nothing" in found["classes"]["foreground"][name]}
    assert found["pooled_dice"] == {
        **{"mean": pytest.approx(30 / (30 + 5 + 25)), "median": None, "ci95": None},
        **{"no_ci95": TOGETHER, "n": 2, "nothing": 0.0},
    }


def test_what_nothing_scores_is_of_the_cases_that_are_measured() -> None:
    one, other = (case(0.5, counts=Confusion(5, 5, 5, 85)), case(0.5, counts=Confusion(10, 0, 20, 70)))
    one.classes["foreground"].values["accuracy"] = 0.9
    assert metrics([one, other], None, None, settings())["accuracy"]["nothing"] == 0.9


def test_pooled() -> None:
    assert pooled_dice(*np.array([[1, 0], [1, 0], [0, 2]])) == 2 / 5
    assert math.isnan(pooled_dice(*np.zeros((3, 2))))
