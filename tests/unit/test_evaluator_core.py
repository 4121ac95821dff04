"""Measures per case, their summary, and every reason to refuse a candidate."""

from __future__ import annotations

import math
import pickle
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import pytest
from evaluated import EMPTY, FALSE, IDENTITY, case, classed, patients, settings
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import f1_score

from components.champion_inferrer.core import incomparable
from components.evaluator.core import measure, metrics, summarize
from components.evaluator.per_case import ClassScores
from components.imaging.truth.classes import IGNORE
from components.measures.all import MEASURES, class_measures
from components.records.settings import Derivation
from components.task import Task

ONE = settings()
TWO = settings("lesion", "muscle")


def decide(dice: list[float], champion: list[float] | None = None, **evaluation: Any) -> dict[str, Any]:
    others = None if champion is None else [case(value) for value in champion]
    return metrics([case(value) for value in dice], others, "17", settings(**evaluation))


def test_measure_by_hand() -> None:
    found = measure(IDENTITY, np.array([[1, 1, 0, 0]], np.uint8), np.array([[1, 0, 1, 0]], np.uint8), 0.25, ONE)
    [(name, scores)] = found.classes.items()
    assert name == "foreground"
    assert (scores.counts.tp, scores.counts.fp, scores.counts.fn, scores.counts.tn) == (1, 1, 1, 1)
    assert [*scores.values] == [*(each.name for each in class_measures()), "ce_dice"]
    assert (scores.values["dice"], scores.values["iou"], scores.values["ce_dice"]) == (0.5, pytest.approx(1 / 3), 0.25)
    assert (found.id, found.group, found.source, found.label) == ("a", "g", "clinic/a.png", "benign")


def test_a_case_keeps_numbers_alone() -> None:
    """So that memory does not grow with the pixels of a split."""
    truth = np.ones((512, 512), np.uint8)
    kept = measure(IDENTITY, truth, truth, 0.25, ONE, probability=np.full((512, 512, 1), 0.9, np.float32))
    assert all(isinstance(value, float) for value in kept.classes["foreground"].values.values())
    assert len(pickle.dumps(kept)) < 4096


def test_each_class_is_measured_among_what_is_judged() -> None:
    truth = np.array([[0, 1, 1, 2, 255, 255]], np.uint8)
    found = measure(IDENTITY, truth, np.array([[0, 1, 2, 2, 1, 2]], np.uint8), 0.25, TWO)
    # Lesion: 1 of 2 found, nothing else said to be it. Muscle: found, and one pixel too many.
    assert [scores.values["dice"] for scores in found.classes.values()] == [pytest.approx(2 / 3)] * 2
    assert [scores.values["ce_dice"] for scores in found.classes.values()] == [0.25, 0.25]
    assert (found.truth_pixels, found.predicted_pixels) == (3, 3)
    assert found.value("dice") == pytest.approx(2 / 3)


@given(
    arrays(np.uint8, (6, 5), elements=st.integers(0, 2)),
    arrays(np.uint8, (6, 5), elements=st.integers(0, 2)),
    arrays(np.uint8, (6, 5), elements=st.integers(0, 2)),
    arrays(bool, (6, 5)),
)
def test_what_lies_under_pixels_to_be_ignored_changes_nothing(
    truth: np.ndarray, predicted: np.ndarray, other: np.ndarray, ignored: np.ndarray
) -> None:
    truth = np.where(ignored, IGNORE, truth).astype(np.uint8)
    one, changed = (
        measure(IDENTITY, truth, given_, 0.25, TWO) for given_ in (predicted, np.where(ignored, other, predicted))
    )
    np.testing.assert_equal(changed.classes, one.classes)
    np.testing.assert_equal(metrics([changed], None, None, TWO), metrics([one], None, None, TWO))
    kept = truth[~ignored], predicted[~ignored]
    for index, scores in enumerate(one.classes.values(), 1):
        assert scores.counts.tp + scores.counts.fp + scores.counts.fn + scores.counts.tn == len(kept[0])
        if scores.counts.truth_pixels:
            expected = f1_score(*kept, labels=[index], average="macro", zero_division=0)
            assert scores.values["dice"] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("policy", "predicted", "dice"),
    [
        ("skip", 0, math.nan),
        ("skip", 1, math.nan),
        ("zero_if_predicted", 0, 1.0),
        ("zero_if_predicted", 1, 0.0),
    ],
)
def test_empty_masks(policy: str, predicted: int, dice: float) -> None:
    empty, said = np.zeros((4, 4), np.uint8), np.full((4, 4), predicted, np.uint8)
    found = measure(IDENTITY, empty, said, 0.25, settings(empty_masks=policy))
    np.testing.assert_equal((found.value("dice"), found.value("iou")), (dice, dice))
    assert found.value("ce_dice") == 0.25


@pytest.mark.parametrize("policy", ["skip", "zero_if_predicted"])
def test_a_missed_lesion_counts_under_either_policy(policy: str) -> None:
    full, nothing = np.ones((4, 4), np.uint8), np.zeros((4, 4), np.uint8)
    found = measure(IDENTITY, full, nothing, 0.25, settings(empty_masks=policy))
    assert (found.value("dice"), found.value("iou")) == (0, 0)


def test_summary_leaves_undefined_values_out() -> None:
    cases = [case(0.2), case(math.nan, loss=0.4), case(0.8), case(0.9)]
    summary = summarize(cases, ONE)
    assert summary["dice"]["n"] == summary["iou"]["n"] == 3
    assert summary["dice"]["mean"] == pytest.approx(1.9 / 3)
    assert summary["dice"]["median"] == pytest.approx(0.8)
    assert summary["ce_dice"]["n"] == 4
    assert summary["ce_dice"]["mean"] == pytest.approx(0.7 / 4)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], {"mean": None, "median": None, "ci95": None, "no_ci95": None, "n": 0}),
        ([math.nan], {"mean": None, "median": None, "ci95": None, "no_ci95": None, "n": 0}),
        ([0.5] * 7, {"mean": 0.5, "median": 0.5, "ci95": None, "no_ci95": "too few groups to say", "n": 7}),
    ],
)
def test_summary_of_few_cases(values: list[float], expected: dict[str, Any]) -> None:
    assert summarize(patients(values), ONE)["dice"] == expected


def test_the_interval_of_a_change_is_of_what_a_difference_can_be_and_a_loss_has_none() -> None:
    same = metrics(patients([0.5] * 8), patients([0.5] * 8), "17", ONE)
    low, high = same["change"]["dice"]["ci95"]
    assert (low, high) == (pytest.approx(0.025 ** (1 / 8) - 1, abs=0.02), pytest.approx(-low, abs=0.02))
    assert same["change"]["ce_dice"]["no_ci95"] == same["ce_dice"]["no_ci95"] == "none: values have no bounds"


def test_counts_of_empty_cases() -> None:
    cases = [case(0.8), case(math.nan, counts=EMPTY), case(math.nan, counts=FALSE), case(math.nan, counts=FALSE)]
    result = metrics(cases, None, None, ONE)
    assert (result["cases"], result["cases_with_foreground"]) == (4, 1)
    assert (result["empty_cases"], result["empty_cases_with_prediction"]) == (3, 2)
    assert (result["empty_masks"], result["operating_point"]["threshold"]) == ("skip", 0.5)
    assert result["dice"]["n"] == 1


def test_without_a_champion() -> None:
    result = decide([0.1, 0.2])
    assert result["champion"] is result["change"] is None
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
    [found] = result["reasons"]
    assert found.startswith(reason)


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
    mine = settings(empty_masks=policy)
    full, empty = np.ones((4, 4), np.uint8), np.zeros((4, 4), np.uint8)
    cases = [measure(IDENTITY, full, full, 0.25, mine), measure(IDENTITY, empty, empty, math.nan, mine)]
    assert metrics(cases, None, None, mine)["reasons"] == ["the probabilities of 1 test cases are not finite numbers"]


def test_change_is_paired_case_by_case() -> None:
    result = decide([0.9, 0.5, math.nan], champion=[0.8, 0.7, math.nan])
    # +0.1 and -0.2
    assert result["change"]["dice"]["mean"] == pytest.approx(-0.05)
    assert result["change"]["dice"]["n"] == 2
    assert result["champion"]["version"] == "17"
    assert result["champion"]["dice"]["mean"] == pytest.approx(0.75)


def test_the_champion_must_be_measured_on_the_same_cases() -> None:
    with pytest.raises(ValueError, match="measured on other cases"):
        decide([0.9, 0.5], champion=[0.8])


class TestClasses:
    """Of two classes: a mean over classes, not over cases."""

    CASES = (
        classed({"lesion": 0.4, "muscle": 0.9}, 0.2, group="p1"),
        classed({"lesion": math.nan, "muscle": 0.8}, 0.4, group="p2"),
        classed({"lesion": math.nan, "muscle": 0.7}, 0.6, group="p3"),
    )

    def test_the_mean_over_classes_of_their_means(self) -> None:
        summary = summarize(self.CASES, TWO)
        classes = summary["classes"]
        assert (classes["lesion"]["dice"]["mean"], classes["lesion"]["dice"]["n"]) == (0.4, 1)
        assert (classes["muscle"]["dice"]["mean"], classes["muscle"]["dice"]["n"]) == (pytest.approx(0.8), 3)
        assert summary["dice"]["mean"] == summary["dice"]["median"] == pytest.approx((0.4 + 0.8) / 2)
        assert summary["dice"]["n"] == 3
        assert summary["ce_dice"]["mean"] == pytest.approx(0.4)
        assert all(list(found) == [*MEASURES] for found in classes.values())

    def test_a_class_that_no_case_has_is_named_and_left_out_of_the_mean(self) -> None:
        cases = [classed({"lesion": 0.6, "muscle": math.nan}), classed({"lesion": 0.8, "muscle": math.nan})]
        result = metrics(cases, None, None, TWO)
        assert result["dice"]["mean"] == pytest.approx(0.7)
        assert result["classes"]["muscle"]["dice"]["n"] == 0
        assert result["notes"] == [
            "class 'muscle' was never measured: no test case has it, and the means over classes are without it"
        ]
        assert result["blessed"]

    def test_one_class_that_no_case_has_needs_no_note(self) -> None:
        assert metrics([case(math.nan)], None, None, ONE)["notes"] == []

    def test_a_case_is_empty_where_it_has_no_class(self) -> None:
        empty = classed({"lesion": math.nan, "muscle": math.nan}, counts=FALSE)
        result = metrics([*self.CASES, empty], None, None, TWO)
        assert (result["empty_cases"], result["empty_cases_with_prediction"]) == (1, 1)

    def test_a_class_predicted_where_there_is_none_is_counted(self) -> None:
        """The other class is there, so that the case is not empty, and of the mean the class is left out."""
        one = classed({"lesion": 0.4, "muscle": 0.9})
        alarm, clean = (
            replace(one, classes=one.classes | {"lesion": ClassScores(counts, one.classes["lesion"].values)})
            for counts in (FALSE, EMPTY)
        )
        result = metrics([one, alarm, alarm, clean], None, None, TWO)
        assert result["absent"] == {
            "lesion": {"cases": 3, "with_prediction": 2},
            "muscle": {"cases": 0, "with_prediction": 0},
        }
        assert result["empty_cases"] == 0

    def test_the_champion_has_classes_too(self) -> None:
        served = [classed({"lesion": 0.5, "muscle": 0.9}, 0.3, group=one.group) for one in self.CASES]
        result = metrics(self.CASES, served, "17", TWO)
        assert result["champion"]["classes"]["lesion"]["dice"]["mean"] == 0.5
        # -0.1 of lesion in one case; 0, -0.1 and -0.2 of muscle
        assert result["change"]["dice"]["mean"] == pytest.approx((-0.1 - 0.1) / 2)
        assert result["change"]["ce_dice"]["mean"] == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("served", "classes", "changed"),
    [
        ({}, ["foreground"], None),
        ({"classes": []}, ["foreground"], None),
        ({"classes": ["lesion", "muscle"]}, ["lesion", "muscle"], None),
        ({"classes": ["muscle", "lesion"]}, ["lesion", "muscle"], "[data] classes changed"),
        ({}, ["lesion"], "[data] classes changed"),
        ({"classes": ["lesion"], "fit": "stretch"}, ["foreground"], "[data] fit and classes changed"),
    ],
)
def test_a_champion_of_other_classes_is_not_compared(served: dict, classes: list[str], changed: str | None) -> None:
    assert incomparable(served, Derivation(height=32, width=32), Task(classes=classes)) == changed


@pytest.mark.parametrize(
    ("served", "ours", "changed"),
    [
        ({}, None, None),
        ({}, "apply", None),
        ({"orientation": None}, "apply", None),
        ({"orientation": "apply"}, None, None),
        ({"orientation": "ignore"}, "ignore", None),
        ({}, "ignore", "[data] orientation changed"),
        ({"orientation": None}, "ignore", "[data] orientation changed"),
        ({"orientation": "ignore"}, "apply", "[data] orientation changed"),
    ],
)
def test_only_another_way_of_turning_images_keeps_a_champion_from_being_compared(
    served: dict, ours: Literal["apply", "ignore"] | None, changed: str | None
) -> None:
    assert incomparable(served, Derivation(height=32, width=32, orientation=ours), Task()) == changed
