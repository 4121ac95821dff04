"""Measures per case, their summary, and every reason to refuse a candidate."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import pytest

from components.evaluator.core import measure, metrics, summarize
from components.evaluator.per_case import Case
from components.evaluator.settings import Evaluation
from components.measures.overlap import Confusion

IDENTITY = {"id": "a", "group": "g", "source": "a.png", "label": "benign"}
FULL, EMPTY, FALSE = Confusion(8, 2, 2, 88), Confusion(0, 0, 0, 100), Confusion(0, 5, 0, 95)


def case(dice: float, loss: float = 0.1, counts: Confusion = FULL) -> Case:
    return Case(**IDENTITY, **asdict(counts), dice=dice, iou=dice / (2 - dice), loss=loss)


def patients(values: Iterable[float]) -> list[Case]:
    """A case of each of several patients."""
    return [replace(case(value), group=f"patient{number}") for number, value in enumerate(values)]


def decide(dice: list[float], champion: list[float] | None = None, **settings: Any) -> dict[str, Any]:
    others = None if champion is None else [case(value) for value in champion]
    return metrics([case(value) for value in dice], others, "17", Evaluation(**settings))


def test_measure_by_hand() -> None:
    truth = np.array([[1, 1, 0, 0]], np.uint8)
    probability = np.array([[0.9, 0.4, 0.5, 0.1]], np.float32)
    found = measure(IDENTITY, truth, probability, 0.5, "skip")
    assert (found.tp, found.fp, found.fn, found.tn) == (1, 1, 1, 1)
    assert (found.dice, found.iou) == (0.5, pytest.approx(1 / 3))
    # entropy (-ln 0.9 - ln 0.4 - ln 0.5 - ln 0.9) / 4, soft Dice (2 x 1.3 + 1) / (2 + 1.9 + 1)
    entropy = -math.log(0.9 * 0.4 * 0.5 * 0.9) / 4
    assert found.loss == pytest.approx((entropy + 1 - 3.6 / 4.9) / 2)
    assert (found.id, found.group, found.source, found.label) == ("a", "g", "a.png", "benign")


def test_threshold() -> None:
    probability = np.array([[0.3, 0.7]])
    predicted = [measure(IDENTITY, np.array([[1, 1]]), probability, at, "skip").tp for at in (0.2, 0.5, 0.8)]
    assert predicted == [2, 1, 0]


@pytest.mark.parametrize(
    ("policy", "probability", "dice"),
    [
        ("skip", 0.1, math.nan),
        ("skip", 0.9, math.nan),
        ("zero_if_predicted", 0.1, 1.0),
        ("zero_if_predicted", 0.9, 0.0),
    ],
)
def test_empty_masks(policy: str, probability: float, dice: float) -> None:
    found = measure(IDENTITY, np.zeros((4, 4), np.uint8), np.full((4, 4), probability), 0.5, policy)
    np.testing.assert_equal((found.dice, found.iou), (dice, dice))
    assert math.isfinite(found.loss)


@pytest.mark.parametrize("policy", ["skip", "zero_if_predicted"])
def test_a_missed_lesion_counts_under_either_policy(policy: str) -> None:
    found = measure(IDENTITY, np.ones((4, 4), np.uint8), np.zeros((4, 4)), 0.5, policy)
    assert (found.dice, found.iou) == (0, 0)


def test_summary_leaves_undefined_values_out() -> None:
    cases = [case(0.2), case(math.nan, loss=0.4), case(0.8), case(0.9)]
    summary = summarize(cases)
    assert summary["dice"]["n"] == summary["iou"]["n"] == 3
    assert summary["dice"]["mean"] == pytest.approx(1.9 / 3)
    assert summary["dice"]["median"] == pytest.approx(0.8)
    assert summary["loss"]["n"] == 4
    assert summary["loss"]["mean"] == pytest.approx(0.7 / 4)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], {"mean": None, "median": None, "ci95": None, "n": 0}),
        ([math.nan], {"mean": None, "median": None, "ci95": None, "n": 0}),
        ([0.5], {"mean": 0.5, "median": 0.5, "ci95": None, "n": 1}),
        ([0.5, 0.5, 0.5], {"mean": 0.5, "median": 0.5, "ci95": [0.5, 0.5], "n": 3}),
    ],
)
def test_summary_of_few_cases(values: list[float], expected: dict[str, Any]) -> None:
    assert summarize(patients(values))["dice"] == expected


def test_confidence_interval_is_that_of_the_mean() -> None:
    """With 80 cases the percentile bootstrap comes close to mean +- 1.96 s / sqrt(n)."""
    values = np.random.default_rng(2).beta(8, 3, 80)
    interval = summarize(patients(values))["dice"]["ci95"]
    error = values.std(ddof=1) / math.sqrt(len(values))
    expected = values.mean() - 1.96 * error, values.mean() + 1.96 * error
    np.testing.assert_allclose(interval, expected, atol=0.15 * error)
    assert interval == summarize(patients(values))["dice"]["ci95"]


def test_images_of_one_patient_are_no_independent_evidence() -> None:
    values = np.random.default_rng(2).beta(8, 3, 20)
    each = summarize(patients(values))["dice"]
    four_times = summarize([one for one in patients(values) for _ in range(4)])["dice"]
    assert four_times["n"] == 80
    np.testing.assert_allclose(four_times["ci95"], each["ci95"], atol=1e-9)


def test_counts_of_empty_cases() -> None:
    cases = [case(0.8), case(math.nan, counts=EMPTY), case(math.nan, counts=FALSE), case(math.nan, counts=FALSE)]
    result = metrics(cases, None, None, Evaluation())
    assert (result["cases"], result["cases_with_foreground"]) == (4, 1)
    assert (result["empty_cases"], result["empty_cases_with_prediction"]) == (3, 2)
    assert (result["empty_masks"], result["threshold"]) == ("skip", 0.5)
    assert result["dice"]["n"] == 1


def test_without_a_champion() -> None:
    result = decide([0.1, 0.2])
    assert result["champion"] is result["dice_change"] is None
    assert result["blessed"] is True
    assert result["reasons"] == []


@pytest.mark.parametrize(
    ("dice", "settings", "reason"),
    [
        ([0.6, 0.7], {"min_dice": 0.7}, "mean Dice 0.6500 is below min_dice 0.7"),
        ([0.6], {"min_cases": 2}, "Dice is defined for 1 test cases, min_cases asks for 2"),
        ([0.6, math.nan], {"min_cases": 2}, "Dice is defined for 1 test cases, min_cases asks for 2"),
        ([0.6], {"max_loss": 0.05}, "mean loss 0.1000 is above max_loss 0.05"),
        (
            [0.6, 0.7],
            {"champion": [0.7, 0.7]},
            "mean Dice changes by -0.0500 against the champion 17, min_dice_change asks for +0",
        ),
        (
            [0.6],
            {"champion": [0.6], "min_dice_change": 0.01},
            "mean Dice changes by +0.0000 against the champion 17, min_dice_change asks for +0.01",
        ),
    ],
)
def test_each_reason_to_refuse(dice: list[float], settings: dict[str, Any], reason: str) -> None:
    result = decide(dice, **settings)
    assert result["blessed"] is False
    assert result["reasons"] == [reason]


@pytest.mark.parametrize(
    "settings",
    [
        {"min_dice": 0.625},
        {"min_cases": 2},
        {"max_loss": 0.1001},
        {"champion": [0.625, 0.625]},
        {"champion": [0.75, 0.75], "min_dice_change": -0.125},
    ],
)
def test_a_limit_that_is_met_blesses(settings: dict[str, Any]) -> None:
    assert decide([0.5, 0.75], **settings)["reasons"] == []


def test_all_reasons_are_given() -> None:
    result = decide([math.nan], champion=[math.nan], max_loss=0.01, min_cases=3)
    assert result["reasons"] == [
        "Dice is defined for 0 test cases, min_cases asks for 3",
        "mean Dice undefined is below min_dice 0",
        "mean loss 0.1000 is above max_loss 0.01",
        "mean Dice changes by undefined against the champion 17, min_dice_change asks for +0",
    ]


@pytest.mark.parametrize("policy", ["skip", "zero_if_predicted"])
def test_probabilities_that_are_no_numbers_are_refused(policy: str) -> None:
    """Not-a-number is below every threshold: on a case without lesion it would pass for a perfect answer."""
    lesion = measure(IDENTITY, np.ones((4, 4)), np.ones((4, 4)), 0.5, policy)
    broken = measure(IDENTITY, np.zeros((4, 4)), np.full((4, 4), math.nan), 0.5, policy)
    result = metrics([lesion, broken], None, None, Evaluation(empty_masks=policy))
    assert result["reasons"] == ["the probabilities of 1 test cases are not finite numbers"]


def test_change_is_paired_case_by_case() -> None:
    result = decide([0.9, 0.5, math.nan], champion=[0.8, 0.7, math.nan])
    # +0.1 and -0.2
    assert result["dice_change"]["mean"] == pytest.approx(-0.05)
    assert result["dice_change"]["n"] == 2
    assert result["champion"]["version"] == "17"
    assert result["champion"]["dice"]["mean"] == pytest.approx(0.75)


def test_the_champion_must_be_measured_on_the_same_cases() -> None:
    with pytest.raises(ValueError, match="shorter"):
        decide([0.9, 0.5], champion=[0.8])
