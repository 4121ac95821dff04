"""Calibration and confidence against scikit-learn and plain loops, and by hand; what confidence is worth over cases."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from compared import NOTHING, SQUARE, drawn, over_the_table, probabilities, seen
from evaluated import IDENTITY, case, limit, settings
from scipy.ndimage import maximum_filter
from scipy.stats import spearmanr
from sklearn.metrics import brier_score_loss

from components.evaluator.core import measure, metrics
from components.evaluator.per_case import Case
from components.imaging.truth.classes import IGNORE
from components.measures.all import class_measures
from components.measures.background import levels
from components.measures.calibration import brier, calibration_error, confidence, near, sums
from components.measures.selection import rank_correlation, risk_coverage, risk_coverage_area
from components.measures.summary import TOGETHER


@over_the_table
def test_near_the_foreground_against_scikit_learn(truth: np.ndarray, predicted: np.ndarray) -> None:
    judged, true = truth != IGNORE, truth == 1
    zone = maximum_filter(true | ((predicted == 1) & judged), 21, mode="constant") & judged
    found = near(seen(truth, predicted))
    assert found is not None
    if not zone.any():
        assert math.isnan(brier(found))
        assert math.isnan(calibration_error(found))
        return
    p, y = probabilities(predicted)[zone].astype(float), true[zone]
    assert brier(found) == pytest.approx(brier_score_loss(y, p, pos_label=True))
    bins = [(p >= number / 10) & (p < (number + 1) / 10 + (number == 9)) for number in range(10)]
    gaps = [inside.mean() * abs(p[inside].mean() - y[inside].mean()) for inside in bins if inside.any()]
    assert calibration_error(found) == pytest.approx(sum(gaps))


def test_by_hand() -> None:
    """Two pixels of 0.9, one of them true, and three of 0.1: bins of 2 and 3."""
    truth, predicted = np.array([[1, 0, 0, 0, 0]], np.uint8), np.array([[1, 1, 0, 0, 0]], np.uint8)
    given = np.array([[0.9, 0.9, 0.1, 0.1, 0.1]], np.float32)
    found, summed = near(seen(truth, predicted, probability=given)), sums(seen(truth, predicted, probability=given))
    assert found is not None
    assert summed is not None
    assert brier(found) == pytest.approx((0.01 + 0.81 + 3 * 0.01) / 5)
    assert calibration_error(found) == pytest.approx((abs(1.8 - 1) + abs(0.3 - 0)) / 5)
    assert confidence(summed) == pytest.approx(2 * 1.8 / (2.1 + 2))


def test_far_background_does_not_make_a_model_calibrated() -> None:
    wide = np.pad(SQUARE, 200)
    doubt = np.where(wide == 1, 0.6, 0.0).astype(np.float32)
    close, far = (
        near(seen(SQUARE, SQUARE, probability=doubt[200:-200, 200:-200])),
        near(seen(wide, wide, probability=doubt)),
    )
    assert close is not None
    assert far is not None
    assert far.true.size == (6 + 20) * (8 + 20)
    assert calibration_error(close) >= calibration_error(far) == pytest.approx(0.4 * 48 / (26 * 28))


@over_the_table
def test_confidence_needs_no_truth(truth: np.ndarray, predicted: np.ndarray) -> None:
    found = sums(seen(truth, predicted))
    assert found is not None
    kept = truth != IGNORE
    p, m = probabilities(predicted)[kept].astype(float), predicted[kept] == 1
    assert confidence(found) == pytest.approx(2 * p[m].sum() / (p.sum() + m.sum()))
    assert found.of_truth == pytest.approx(p[truth[kept] == 1].sum())
    other = sums(seen(np.where(kept, 0, truth).astype(np.uint8), predicted))
    assert other is not None
    assert confidence(other) == confidence(found)


def test_without_finite_probabilities_masks_are_measured_all_the_same() -> None:
    found = measure({"id": "a", "group": "g", "source": "a.png", "label": ""}, SQUARE, SQUARE, math.nan, settings())
    undefined = {name for name, value in found.classes["foreground"].values.items() if math.isnan(value)}
    assert undefined == {"ce_dice", *(each.name for each in class_measures() if each.fact in (near, sums, levels))}


@pytest.mark.parametrize("seed", range(3))
def test_rank_correlation_against_scipy(seed: int) -> None:
    sure, dice = np.random.default_rng(seed).integers(0, 9, (2, 20)) / 9
    assert rank_correlation(sure, dice) == pytest.approx(spearmanr(sure, dice).statistic)


@pytest.mark.parametrize("values", [([], []), ([0.1, 0.9], [0.1, 0.9]), ([0.5] * 4, [0.1, 0.2, 0.3, 0.4])])
def test_what_tells_no_order_has_no_rank_correlation(values: tuple[list[float], list[float]]) -> None:
    one, other = map(np.array, values)
    assert math.isnan(rank_correlation(one, other))
    assert math.isnan(rank_correlation(other, one))


def test_risk_and_coverage_by_hand() -> None:
    """The surest first: risks 0, 0.5 and twice the mean of 0 and 1, which are equally sure."""
    sure, dice = np.array([0.2, 0.9, 0.2, 0.5]), np.array([0.0, 1.0, 1.0, 0.5])
    coverage, risk = risk_coverage(sure, dice)
    assert coverage.tolist() == [0.25, 0.5, 0.75, 1]
    assert risk == pytest.approx([0, 0.25, 1 / 3, 0.375])
    assert risk_coverage_area(sure, dice) == pytest.approx((0.25 + 1 / 3 + 0.375) / 4)
    assert risk_coverage_area(sure[::-1], dice[::-1]) == risk_coverage_area(sure, dice)
    assert math.isnan(risk_coverage_area(np.zeros(0), np.zeros(0)))


def sure(confidence: float, dice: float, **identity: str) -> Case:
    found = case(dice, **identity)
    scores = found.classes["foreground"]
    return replace(found, classes={"foreground": replace(scores, values={**scores.values, "confidence": confidence})})


PAIRS = {"a": (0.9, 0.8), "b": (0.8, 0.9), "c": (0.3, 0.2), "d": (0.2, math.nan)}
CASES = [sure(*pair, label=name) for name, pair in PAIRS.items()]
OTHERS = [sure(*pair) for pair in ((0.9, 0.9), (0.8, 0.8), (0.3, 0.2), (0.2, 0.1))]


def test_what_cases_have_together_is_in_the_metrics() -> None:
    result = metrics(CASES, OTHERS, "17", settings())
    found = {"mean": pytest.approx(0.5), "median": None, "ci95": None, "no_ci95": TOGETHER, "n": 3}
    assert result["confidence_rank"] == result["classes"]["foreground"]["confidence_rank"] == found
    assert result["champion"]["confidence_rank"]["mean"] == pytest.approx(1)
    assert result["change"]["confidence_rank"]["mean"] == pytest.approx(-0.5)
    assert np.allclose(result["risk_coverage"]["foreground"], [[1 / 3, 0.2], [2 / 3, 0.15], [1, 1.1 / 3]])


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        ({"at_least": 0.6}, "mean rank correlation of confidence and Dice 0.5000 is below at_least 0.6"),
        ({"at_least": 0.4}, None),
        (
            {"at_least": 0.4, "slice": "label=a"},
            "mean rank correlation of confidence and Dice (label=a) undefined is",
        ),
        ({"change": True, "margin": 0.4}, "mean rank correlation of confidence and Dice changes by -0.5000 against"),
        ({"change": True, "margin": 0.6}, None),
    ],
)
def test_a_limit_on_what_cases_have_together(keys: dict[str, object], sentence: str | None) -> None:
    asked = settings(limits=[limit(measure="confidence_rank", **keys)], min_dice_change=-1.0)
    reasons = metrics(CASES, OTHERS, "17", asked)["reasons"]
    assert len(reasons) == (sentence is not None)
    assert all(reason.startswith(str(sentence)) for reason in reasons)


def test_a_curve_of_many_cases_is_written_with_a_hundred_points() -> None:
    many = [sure(dice, dice) for dice in np.linspace(0.1, 0.9, 777)]
    points = metrics(many, None, None, settings())["risk_coverage"]["foreground"]
    assert len(points) == 100
    assert points[-1] == pytest.approx([1, 0.5])


def test_nothing_is_near_where_there_is_nothing() -> None:
    for truth, predicted in ((NOTHING, NOTHING), (np.full_like(NOTHING, IGNORE), drawn((1, 1, 5, 5)))):
        found = near(seen(truth, predicted))
        assert found is not None
        assert not found.true.size


def test_reliability_sums_the_bins_of_all_cases() -> None:
    """Two cases of one pixel each near 0.85, one of them true, and the rest near 0.05."""
    truth, probability = np.zeros((1, 4), np.uint8), np.array([[0.05, 0.05, 0.05, 0.85]], np.float32)
    hit = truth.copy()
    hit[0, 3] = 1
    predicted = (probability >= 0.5).astype(np.uint8)
    cases = [
        measure(IDENTITY, mask, predicted, 0.1, settings(), probability=probability[..., None]) for mask in (hit, truth)
    ]
    found = metrics(cases, None, None, settings())["reliability"]["foreground"]
    assert found["pixels"] == [6, 0, 0, 0, 0, 0, 0, 0, 2, 0]
    assert found["expected"] == pytest.approx([0.3, 0, 0, 0, 0, 0, 0, 0, 1.7, 0])
    assert found["true"] == [0, 0, 0, 0, 0, 0, 0, 0, 1, 0]


def test_reliability_needs_probabilities() -> None:
    case = measure(IDENTITY, SQUARE, SQUARE, 0.1, settings())
    assert metrics([case], None, None, settings())["reliability"] == {"foreground": None}
