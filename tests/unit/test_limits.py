"""Limits: what a candidate must reach, as data."""

from __future__ import annotations

import math
from typing import Any

import pytest
from evaluated import case, classed, limit, settings
from pydantic import ValidationError

from components.evaluator.core import metrics
from components.evaluator.limits import Champion, judged
from components.evaluator.per_case import Case
from components.evaluator.settings import Asked, EvaluatorSettings, Limit

ONE = settings()
TWO = settings("lesion", "muscle")
CASES = [
    classed({"lesion": 0.5, "muscle": 0.75}, 0.25, label="malignant", source="a/1.png"),
    classed({"lesion": 0.25, "muscle": 0.5}, 0.5, label="benign", source="b/2.png"),
    classed({"lesion": math.nan, "muscle": 1.0}, 0.75, label="benign", source="b/3.png"),
]
SERVED = Champion("17", [classed({"lesion": 0.5, "muscle": 0.75}, 0.5)] * 3)


@pytest.mark.parametrize(
    ("keys", "bound", "met", "missed", "sentence"),
    [
        pytest.param({"measure": "dice"}, "at_least", 0.5625, 0.563, "mean Dice 0.5625 is below", id="macro"),
        pytest.param({"measure": "dice"}, "at_most", 0.5625, 0.562, "mean Dice 0.5625 is above", id="upper"),
        pytest.param({"measure": "ce_dice"}, "at_most", 0.5, 0.499, "mean loss 0.5000 is above", id="loss"),
        pytest.param(
            {"measure": "dice", "class_": "lesion"},
            *("at_least", 0.375, 0.376, "mean Dice (lesion) 0.3750 is below"),
            id="class",
        ),
        pytest.param(
            {"measure": "dice", "slice": "label=malignant"},
            *("at_least", 0.625, 0.626, "mean Dice (label=malignant) 0.6250 is below"),
            id="label",
        ),
        pytest.param(
            {"measure": "dice", "class_": "muscle", "slice": "folder=b"},
            *("at_least", 0.75, 0.751, "mean Dice (muscle, folder=b) 0.7500 is below"),
            id="folder",
        ),
        # Lesion -0.125, muscle 0
        pytest.param(
            {"measure": "dice", "change": True},
            *("margin", 0.0625, 0.062, "mean Dice changes by -0.0625 against the champion 17, margin 0.062 asks"),
            id="change",
        ),
        pytest.param(
            {"measure": "ce_dice", "change": True},
            *("margin", 0.0, -0.001, "mean loss changes by +0.0000 against the champion 17, margin -0.001 asks"),
            id="change of what is better low",
        ),
        pytest.param(
            {"measure": "dice", "class_": "lesion", "at_least": 0.0},
            *("least_n", 2, 3, "Dice (lesion) is defined for 2 test cases, least_n asks for 3"),
            id="least_n",
        ),
    ],
)
def test_just_met_and_just_missed(keys: dict[str, Any], bound: str, met: float, missed: float, sentence: str) -> None:
    assert judged(Asked(limit(**keys, **{bound: met})), CASES, SERVED, TWO).met
    found = judged(Asked(limit(**keys, **{bound: missed})), CASES, SERVED, TWO)
    assert not found.met
    assert found.sentence.startswith(sentence)


@pytest.mark.parametrize("cases", [[case(0.6), case(0.7), case(math.nan, 0.4)], [case(math.nan, 0.3)], [case(0.95)]])
@pytest.mark.parametrize(
    ("key", "value", "written"),
    [
        ("min_dice", 0.65, {"measure": "dice", "at_least": 0.65}),
        ("max_loss", 0.2, {"measure": "ce_dice", "at_most": 0.2}),
        ("min_dice_change", -0.1, {"measure": "dice", "change": True, "margin": 0.1}),
        ("min_dice_change", 0.1, {"measure": "dice", "change": True, "margin": -0.1}),
        ("min_cases", 2, {"measure": "dice", "at_least": 0.0, "least_n": 2}),
    ],
)
def test_a_short_form_is_the_limit_that_it_stands_for(
    cases: list[Case], key: str, value: float, written: dict[str, Any]
) -> None:
    served = Champion("17", [case(0.7)] * len(cases))
    [asked] = [asked for asked in settings(**{key: value}).every_limit if asked.key == key]
    short, explicit = judged(asked, cases, served, ONE), judged(Asked(limit(**written)), cases, served, ONE)
    assert (short.met, short.value, short.n) == (explicit.met, explicit.value, explicit.n)
    if not short.met:
        assert key in short.sentence


def test_what_is_written_out_comes_after_the_short_forms_and_refuses_as_they_do() -> None:
    mine = settings("lesion", "muscle", limits=[limit(measure="iou", at_least=0.9), limit(measure="iou", at_least=0.1)])
    result = metrics(CASES, None, None, mine)
    assert [entry["key"] for entry in result["limits"]] == ["min_cases", "min_dice", "min_dice_change", None, None]
    entry = result["limits"][-2]
    assert (entry["measure"], entry["class"], entry["at_least"], entry["n"]) == ("iou", None, 0.9, 3)
    assert entry["value"] == result["iou"]["mean"]
    assert (result["blessed"], result["reasons"]) == (False, [entry["sentence"]])


def test_a_limit_on_a_class_that_no_case_has_is_not_met() -> None:
    mine = settings("lesion", "muscle", limits=[limit(measure="dice", class_="muscle", at_least=0.0)])
    cases = [classed({"lesion": 0.6, "muscle": math.nan})]
    assert metrics(cases, None, None, mine)["reasons"] == [
        "Dice (muscle) is defined for 0 test cases, least_n asks for 1"
    ]


def test_a_slice_without_cases_meets_no_limit() -> None:
    found = judged(Asked(limit(measure="dice", slice="label=normal", at_least=0.0)), CASES, None, TWO)
    assert (found.met, found.value, found.n) == (False, None, 0)


def test_without_a_champion_a_change_has_nothing_to_fall_behind() -> None:
    found = judged(Asked(limit(measure="dice", change=True)), CASES, None, TWO)
    assert (found.met, found.value, found.sentence) == (True, None, "there is no champion to compare with")


@pytest.mark.parametrize(
    ("keys", "fault"),
    [
        ({"measure": "dice"}, "no bound is set: set one of at_least and at_most, or change = true"),
        ({"measure": "dice", "at_least": 0.1, "at_most": 0.2}, "at_least and at_most are both set: set one of"),
        ({"measure": "dice", "change": True, "at_most": 0.2}, "by margin: remove at_most, or change"),
        ({"measure": "dice", "at_least": 0.1, "margin": 0.1}, "margin = 0.1 is for a comparison with the champion"),
        ({"measure": "ce_dice", "at_most": 1.0, "class_": "a"}, "ce_dice is one number for all classes: remove class"),
        (
            {"measure": "dice", "at_least": 0.1, "slice": "size<20"},
            "expected label=NAME, site=NAME, folder=NAME, ",
        ),
        ({"measure": "dice", "at_least": 0.1, "slice": "label="}, "span=NAME, size<20px or size>=20px"),
        ({"measure": "dise", "at_least": 0.1}, "measure\n  Input should be 'dice'"),
        ({"measure": "dice", "at_least": 0.1, "least_n": -1}, "greater than or equal to 0"),
    ],
)
def test_what_is_no_limit(keys: dict[str, Any], fault: str) -> None:
    with pytest.raises(ValidationError) as caught:
        limit(**keys)
    assert fault in str(caught.value)


def test_settings_are_the_same_after_a_way_through_json() -> None:
    given = settings("lesion", limits=[limit(measure="dice", class_="lesion", at_least=0.5)])
    assert EvaluatorSettings.model_validate_json(given.model_dump_json()) == given
    assert Limit.model_validate(given.evaluation.limits[0].model_dump()) == given.evaluation.limits[0]
