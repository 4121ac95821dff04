"""What the models of folds are worth: the table, the faults, and the mean of several models."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from evaluated import EMPTY, FALSE, case, settings

from components.ensemble.averaging import averaged
from components.ensemble.core import training
from components.evaluator.per_case import Case, ClassScores, read_cases, write_cases
from components.measures.confusion import Confusion
from components.out_of_fold.core import Fold, faults, out_of_fold, pooled_cases
from components.task import Task
from components.trainer.segmenter import build_segmenter
from components.trainer.settings import Model

MISSED, EVERYWHERE, FOUND = Confusion(0, 0, 10, 90), Confusion(10, 90, 0, 0), Confusion(8, 2, 2, 88)
SETTINGS = settings().model_copy(update={"split": "out-of-fold"})


def fold(number: int, cases: Sequence[Case], **changes: Any) -> Fold:
    run = {"best_epoch": 3, "kept": "epoch 3", "epochs_run": 5, "stopped_early": True, "steps": 10}
    run |= {"final_learning_rate": 0.1, "parameters": 100, "seconds": 2.5}
    run |= {"budget": "10 steps", "precision": "bfloat16", "precision_reason": "auto", "sampling": None}
    measured = {"dice": 0.5, "ce_dice": 0.3}
    found = {"devices": ["CPU:0"], "train": measured, "eval": measured, "warnings": []}
    return Fold(number, {**run, **found, **changes}, cases)


GOOD = [case(0.8, 0.2, id="a", group="p1"), case(0.6, 0.4, id="b", group="p1"), case(math.nan, 0.1, EMPTY, id="c")]
OTHER = [case(0.4, 0.6, id="d", group="p2")]


def test_the_table_has_each_fold_and_the_pool_counts_each_case_once() -> None:
    found = out_of_fold([fold(1, GOOD, warnings=["odd"]), fold(2, OTHER, best_epoch=5)], SETTINGS)
    one, two = found["folds"]
    assert (one["fold"], one["cases"], one["cases_with_foreground"], one["groups"]) == (1, 3, 2, 2)
    assert (one["best_epoch"], one["warnings"], two["best_epoch"]) == (3, ["odd"], 5)
    assert [row["measures"]["dice"]["mean"] for row in (one, two)] == pytest.approx([0.7, 0.4])
    # The mean over cases, not that of the folds' means, which is 0.55.
    assert found["dice"]["mean"] == pytest.approx((0.8 + 0.6 + 0.4) / 3)
    assert (found["cases"], found["dice"]["n"], found["ce_dice"]["mean"]) == (4, 3, pytest.approx(1.3 / 4))
    assert (found["reasons"], found["limits"], found["champion"]) == ([], [], None)


def test_each_pooled_case_says_its_fold(tmp_path: Path) -> None:
    write_cases(tmp_path / "per_case.csv", pooled_cases([fold(1, GOOD), fold(2, OTHER)]))
    read = read_cases(tmp_path / "per_case.csv")
    assert [(found.id, found.fold) for found in read] == [*((name, "fold-1") for name in "abc"), ("d", "fold-2")]
    assert [found.value("ce_dice") for found in read] == [0.2, 0.4, 0.1, 0.6]


COLLAPSED = [
    ([case(0.0, counts=MISSED), case(0.0, counts=MISSED)], "no foreground in each of 2 cases"),
    ([case(0.2, counts=EVERYWHERE), case(math.nan, counts=EMPTY)], "nothing but foreground in each of 1 cases"),
    # What is predicted where there is nothing saves no model.
    ([case(0.0, counts=MISSED), case(math.nan, counts=FALSE)], "no foreground in each of 1 cases"),
]


@pytest.mark.parametrize(("cases", "what"), COLLAPSED)
def test_a_fold_that_has_collapsed_is_named_with_what_to_do(cases: list[Case], what: str) -> None:
    found = out_of_fold([fold(1, GOOD), fold(2, cases)], SETTINGS)
    [reason] = found["reasons"]
    assert reason.startswith(f"fold 2 collapsed: its model predicts {what}")
    assert reason.endswith("Train longer (epochs or budget of [training]), lower learning_rate, or change seed")
    assert [row["faults"] for row in found["folds"]] == [[], [reason]]


def test_of_several_classes_each_may_collapse() -> None:
    """A class that is never found, beside others that are, is not averaged in silently."""
    scores = {"a": ClassScores(FOUND, {"ce_dice": 0.1}), "b": ClassScores(MISSED, {"ce_dice": 0.1})}
    several = [replace(case(0.9), classes=scores), replace(case(0.8), classes=scores)]
    [reason] = faults(fold(3, several), settings("a", "b"))
    assert reason.startswith("fold 3 collapsed: its model predicts no b in each of 2 cases that have it.")


def test_where_truth_leaves_no_background_none_is_missed() -> None:
    full = case(1.0, counts=Confusion(100, 0, 0, 0))
    assert list(faults(fold(1, [full, full]), SETTINGS)) == []


@pytest.mark.parametrize(
    "cases",
    [GOOD, [case(0.0, counts=MISSED), case(0.8)], [case(0.2, counts=EVERYWHERE), case(0.8)], [case(1.0, counts=EMPTY)]],
)
def test_one_good_case_is_no_collapse_and_none_with_foreground_tells_nothing(cases: list[Case]) -> None:
    assert list(faults(fold(1, cases), SETTINGS)) == []


def test_probabilities_that_are_no_numbers_are_named() -> None:
    broken = fold(2, [case(0.8), case(0.8, loss=math.nan)])
    assert list(faults(broken, SETTINGS)) == ["fold 2: the probabilities of 1 of its 2 cases are not finite numbers"]


def test_the_training_of_an_ensemble_is_that_of_its_folds() -> None:
    found = training(
        {
            each.number: each.training
            for each in (fold(1, GOOD, warnings=["odd"]), fold(2, OTHER, seconds=1.0, devices=["GPU:0"]))
        }
    )
    assert (found["members"], found["parameters"], found["seconds"]) == (2, 200, 3.5)
    assert (found["devices"], found["warnings"]) == (["CPU:0", "GPU:0"], ["fold 1: odd"])
    assert [(row["fold"], row["best_epoch"], row["eval"]["dice"]) for row in found["folds"]] == [
        (1, 3, 0.5),
        (2, 3, 0.5),
    ]
    assert {(row["precision"], row["budget"]) for row in found["folds"]} == {("bfloat16", "10 steps")}
    assert not {"train", "eval", "best_epoch"} & found.keys()


@pytest.mark.parametrize("classes", [["foreground"], ["a", "b"]])
def test_several_models_answer_the_mean_of_their_probabilities(tmp_path: Path, classes: list[str]) -> None:
    model = Model(parameters={"levels": 2, "base_filters": 2, "normalisation": "none"})
    members = []
    for seed in range(3):
        keras.utils.set_random_seed(seed)
        members.append(build_segmenter(1, model, Task(classes=classes)))
        members[-1].save(tmp_path / f"{seed}.keras")
    images = np.random.default_rng(0).random((2, 16, 16, 1), np.float32)
    moments = np.array([[0.4, 0.2], [0.5, 0.3]], np.float32)
    one = averaged([tmp_path / f"{seed}.keras" for seed in range(3)])
    for inputs in (images, (images, moments)):
        answers = [member(inputs, training=False).numpy() for member in members]
        assert np.abs(answers[0] - answers[1]).max() > 0.01
        expected = (answers[0].astype(float) + answers[1] + answers[2]) / 3
        np.testing.assert_allclose(one(inputs, training=False).numpy(), expected, atol=1e-6)
