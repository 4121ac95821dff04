"""Decisions on constructed results: the end of an interval, slices, too few cases, many decisions."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from evaluated import case, classed, limit, patients, settings
from pydantic import ValidationError
from scipy.stats import beta

from components.evaluator.core import measure, metrics
from components.evaluator.limits import Champion, Judged, judged
from components.evaluator.per_case import Case, ClassScores
from components.evaluator.settings import Asked, EvaluatorSettings
from components.evaluator.slices import sliced, slices_in
from components.measures.confusion import Confusion
from components.measures.extent import extent

ONE = settings()
MIXED = patients([1.0] * 16 + [0.0] * 4)
LOW, HIGH = beta.ppf(0.025, 16, 5), beta.ppf(0.975, 17, 4)
"""Of 16 in 20, by Clopper and Pearson."""


def held(cases: list[Case], champion: list[Case] | None = None, mine: EvaluatorSettings = ONE, **keys: Any) -> Judged:
    served = None if champion is None else Champion("17", champion)
    return judged(Asked(limit(**{"measure": "dice", **keys})), cases, served, mine)


@pytest.mark.parametrize(
    ("key", "end", "nearer"), [("at_least", LOW, -0.015), ("at_most", HIGH, 0.015)], ids=["lower end", "upper end"]
)
def test_the_end_of_the_interval_that_speaks_against_the_candidate_is_held(key: str, end: float, nearer: float) -> None:
    met, missed = (held(MIXED, bound="lower", **{key: end + by}) for by in (nearer, -nearer))
    assert (met.met, missed.met) == (True, False)
    assert met.value == pytest.approx(end, abs=0.012)
    assert held(MIXED, **{key: 0.8}).met


def test_a_sentence_says_both_numbers_and_what_could_have_been_shown() -> None:
    found = held(MIXED, bound="lower", at_least=0.7)
    low = found.found.interval[0]
    assert found.sentence == (
        f"mean Dice 0.8000, lower end {low:.4f}, is below at_least 0.7; 20 groups can show differences from "
        f"{0.8 - low:.3f} on (95 % interval)"
    )
    assert held(MIXED[:7], at_least=0.7).sentence == (
        "mean Dice 1.0000 of 7 test cases meets at_least 0.7; too few groups to say how sure that is (7)"
    )


@pytest.mark.parametrize(("groups", "met"), [(100, True), (20, False)])
def test_a_change_is_shown_by_enough_patients(groups: int, met: bool) -> None:
    """Of 20 alike one that nobody has seen may be all worse: 1 - 0.025 ** (1 / 20) = 0.17; of 100 it is 0.04."""
    champion, candidate = patients([0.8] * groups), patients([0.81] * groups)
    found = held(candidate, champion, change=True, margin=0.05, bound="lower")
    assert found.met is met
    assert found.sentence.startswith("mean Dice changes by +0.0100, lower end -0.")
    assert held(candidate, champion, change=True, margin=0.05).met


@pytest.mark.parametrize(("too_few", "met"), [("refuse", False), ("pass", True)])
@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"least_n": 21}, "Dice is defined for 20 test cases, least_n asks for 21"),
        ({"slice": "label=normal"}, "none of label=normal has a value of it"),
        ({"slice": "site=A", "bound": "lower"}, "Dice (site=A) has values of 7 groups: too few groups to say, 8 are"),
    ],
)
def test_too_few(keys: dict[str, Any], said: str, too_few: str, met: bool) -> None:
    cases = [*patients([1.0] * 7, site="A"), *patients([1.0] * 13, site="B")]
    found = held(cases, at_least=0.5, too_few=too_few, **keys)
    assert found.met is met
    assert said in found.sentence
    assert found.sentence.endswith('too_few = "pass"') is met


@pytest.mark.parametrize("keys", [{"measure": "hd95", "at_most": 5.0}, {"measure": "precision", "bound": "lower"}])
def test_a_candidate_that_predicts_nothing_does_not_pass_as_too_few(keys: dict[str, Any]) -> None:
    """Where nothing is predicted both are undefined, of as many cases as the candidate likes."""
    missed = Confusion(0, 0, 20, 80)
    cases = [
        replace(each, classes={"foreground": ClassScores(missed, {"dice": 0.0, "ce_dice": 1.0})})
        for each in patients([0.0] * 40)
    ]
    found = held(cases, least_n=5, too_few="pass", **({"at_least": 0.9} if "at_most" not in keys else {}), **keys)
    assert (found.n, found.met) == (0, False)
    assert not found.sentence.endswith('too_few = "pass"')


def test_of_what_is_of_all_cases_together_there_is_no_interval_to_hold() -> None:
    with pytest.raises(ValidationError, match="pooled_dice has no interval"):
        limit(measure="pooled_dice", at_least=0.9, bound="lower")


def test_a_case_without_a_source_is_in_no_span() -> None:
    assert not sliced("span=2")(case(0.5, source=""), None)


def test_enough_that_are_bad_do_not_pass_as_too_few() -> None:
    assert not held(MIXED, at_least=0.9, too_few="pass").met
    assert not held(patients([math.nan]), at_least=0.0).met


def test_a_model_that_is_worse_on_one_label_only_is_refused_for_it() -> None:
    champion = [*patients([0.8] * 30, label="benign"), *patients([0.8] * 10, label="malignant")]
    candidate = [*patients([0.9] * 30, label="benign"), *patients([0.7] * 10, label="malignant")]
    mine = settings(
        limits=[limit(measure="dice", slice=f"label={label}", change=True) for label in ("benign", "malignant")]
    )
    result = metrics(candidate, champion, "17", mine)
    assert result["change"]["dice"]["mean"] > 0
    [reason] = result["reasons"]
    assert reason.startswith("mean Dice (label=malignant) changes by -0.1000 against the champion 17, margin 0 asks")


def test_a_class_that_is_never_found_is_refused_for_it() -> None:
    cases = [classed({"organ": 1.0, "lesion": 0.0})] * 9
    mine = settings("organ", "lesion", min_dice=0.5, limits=[limit(measure="dice", class_="lesion", at_least=0.1)])
    [reason] = metrics(cases, None, None, mine)["reasons"]
    assert reason.startswith("mean Dice (lesion) 0.0000 is below at_least 0.1")


def test_intervals_of_several_slices_hold_together() -> None:
    ends = []
    for count in (1, 2, 5):
        each = limit(measure="dice", slice="label=benign", at_least=0.1, bound="lower")
        [entry, *_] = [
            entry for entry in metrics(MIXED, None, None, settings(limits=[each] * count))["limits"] if entry["slice"]
        ]
        assert entry["level"] == pytest.approx(1 - 0.05 / count)
        ends.append(entry["value"])
    np.testing.assert_allclose(ends, beta.ppf(np.array([0.025, 0.0125, 0.005]), 16, 5), atol=0.012)


def test_the_oftener_the_same_cases_decide_the_more_is_asked_for() -> None:
    keys = {"measure": "dice", "at_least": 0.5, "bound": "lower"}
    mine = settings(limits=[limit(**keys, per_decision=True), limit(**keys)])
    result = metrics(MIXED, None, None, mine, decisions=10)
    widened, plain = result["limits"][-2:]
    assert (result["decisions"], widened["level"], plain["level"]) == (10, pytest.approx(0.995), pytest.approx(0.95))
    assert (widened["met"], plain["met"]) == (False, True)


SLICED = [
    classed({"lesion": 0.25}, extent=19, site="A", source="span-1/images/a.png"),
    classed({"lesion": 0.5}, extent=20, site="A", source="span-2/images/b.png"),
    classed({"lesion": 0.75}, extent=0, site="B", source="span-2/images/c.png"),
]


@pytest.mark.parametrize(
    ("slice", "mean"),
    [
        ("size<20px", 0.25),
        ("size>=20px", 0.5),
        ("size < 19.5 px", 0.25),
        ("site=A", 0.375),
        ("span=2", 0.625),
        ("span=span-1", 0.25),
        ("folder=images", 0.5),
    ],
)
def test_slices(slice: str, mean: float) -> None:
    assert held(SLICED, mine=settings("lesion"), slice=slice, at_least=0.0).value == mean


def test_the_size_of_a_case_is_that_of_the_largest_region_of_the_class() -> None:
    truth = np.zeros((40, 50), np.uint8)
    truth[2:5, 3:15] = 1
    truth[20:22, 30:34] = 1
    truth[10:30, 0:2] = 2
    truth[39, 49] = 255
    found = measure({"id": "a", "group": "a", "source": "a", "label": ""}, truth, truth % 255, 0.1, settings("a", "b"))
    assert (found.extent("a"), found.extent("b"), found.extent(None)) == (12, 20, 20)
    assert extent(np.zeros((4, 4), bool)) == 0
    assert extent(np.eye(5, dtype=bool)) == 5


@pytest.mark.parametrize(
    ("keys", "fault"),
    [
        ({"measure": "ce_dice", "at_most": 1.0, "bound": "lower"}, "ce_dice has no interval, since nothing bounds its"),
        ({"at_least": 0.5, "per_decision": True}, 'set bound = "lower", or remove it'),
        ({"at_least": 0.5, "bound": "upper"}, "Input should be 'mean' or 'lower'"),
        ({"at_least": 0.5, "too_few": "skip"}, "Input should be 'refuse' or 'pass'"),
        ({"at_least": 0.5, "within_raters": True}, "within_raters needs the masks of several raters for one image"),
    ],
)
def test_what_is_no_limit(keys: dict[str, Any], fault: str) -> None:
    with pytest.raises(ValidationError) as caught:
        limit(**{"measure": "dice", **keys})
    assert fault in str(caught.value)


def test_one_case_of_a_group_weighs_as_the_group() -> None:
    alone = held(patients([0.8] * 8), bound="lower", at_least=0.1)
    copies = held([case(0.8, id=str(n), group=f"p{n % 8}") for n in range(80)], bound="lower", at_least=0.1)
    assert copies.value == pytest.approx(alone.value, abs=0.02)


def test_the_slices_into_which_cases_fall_are_told_and_names_of_cases_are_none() -> None:
    cases = [
        case(
            0.1 * number,
            id=str(number),
            group=str(number),
            label="ab"[number % 2],
            source=f"{number}/images/{number}.png",
        )
        for number in range(8)
    ]
    assert list(slices_in(cases)) == ["label=a", "label=b"]
    told = metrics(cases, None, None, ONE)["slices"]
    assert told["label=a"]["dice"]["mean"] == pytest.approx(0.3)
    assert told["label=b"]["dice"]["n"] == 4
    by_folder = [replace(each, source=f"span-{index % 3}/clinic-{index % 2}/x.png") for index, each in enumerate(cases)]
    found = list(slices_in(by_folder))
    assert found[2:] == ["folder=clinic-0", "folder=clinic-1", "span=0", "span=1", "span=2"]
    for name in found:
        assert any(sliced(name)(each, None) for each in by_folder)
