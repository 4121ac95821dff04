"""What is chosen for an operating point, of scores that are known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from components.calibrator.core import choose, threshold_curve
from components.calibrator.settings import CalibratorSettings
from components.inference.operating_point import OperatingPoint
from components.inference.settings import Inference
from components.measures.measure import ClassMeasure
from components.records.settings import Derivation
from components.task import Task

MANY, SOME, FEW = 100, 12, 7
TWO = Task(classes=["mass", "calcification"])


def settings(task: Task | None = None, **inference: Any) -> CalibratorSettings:
    return CalibratorSettings(
        inference=Inference(**inference),
        task=task or Task(),
        derivation=Derivation(height=16, width=16),
        empty_masks="skip",
        splits=["eval"],
    )


class Scores:
    """Dice 0.6, and more by what `gains` has of a key's value; of the temperature a Brier score of 0.2, less that."""

    def __init__(self, cases: int, gains: dict[tuple[str, Any], float], classes: int = 1) -> None:
        self.cases, self.gains, self.classes = cases, gains, classes
        self.asked: list[OperatingPoint] = []

    def __call__(self, points: Sequence[OperatingPoint], measure: ClassMeasure) -> np.ndarray:
        self.asked += points
        sign, start = (1, 0.6) if measure.name == "dice" else (-1, 0.2)
        gains = [
            sum(gain for (key, value), gain in self.gains.items() if getattr(each, key) == value) for each in points
        ]
        noise = np.random.default_rng(0).normal(0, 0.01, (len(points), self.classes, self.cases))
        return start + sign * np.array(gains)[:, None, None] + noise

    @property
    def groups(self) -> list[str]:
        return [f"p{number}" for number in range(self.cases)]


def test_what_is_better_outside_the_interval_is_kept_and_built_upon() -> None:
    scores = Scores(MANY, {("mirror", True): 0.1, ("temperature", 2.0): 0.15, ("threshold", 0.3): 0.2})
    point, trials = choose(scores, scores.groups, settings())
    assert point == OperatingPoint(mirror=True, temperature=2.0, threshold=0.3)
    assert [trial.key for trial in trials if trial.kept] == ["mirror", "temperature", "threshold"]
    best = {trial.key: trial for trial in trials}["threshold"]
    assert (best.value, best.measure, best.candidates) == (0.3, "dice", 18)
    assert best.change == pytest.approx(0.2, abs=0.01)
    assert best.interval is not None
    assert 0 < best.interval[0] < 0.2 < best.interval[1]
    assert best.as_json()["change"] == {"mean": best.change, "ci95": best.interval, "no_ci95": None, "n": MANY}
    temperature = trials[1]
    assert (temperature.measure, temperature.reason) == ("brier", "better outside the interval")
    assert temperature.change == pytest.approx(-0.15, abs=0.01)
    assert temperature.interval is not None
    assert temperature.interval[1] < 0
    # What comes after a choice is tried with it.
    assert all(each.mirror and each.temperature == 2.0 for each in scores.asked[-4:])


@pytest.mark.parametrize(
    ("cases", "gain", "reason"),
    [
        (MANY, -0.1, "no better"),
        (SOME, 0.1, "better, but not outside the interval"),
        (FEW, 0.3, "too few groups to say"),
        (0, 0.3, "nothing could be measured"),
    ],
)
def test_what_is_not_shown_to_help_is_not_kept(cases: int, gain: float, reason: str) -> None:
    scores = Scores(cases, {("largest", True): gain})
    point, trials = choose(scores, scores.groups, settings(mirror=False, fill_holes=False))
    assert point == OperatingPoint()
    assert (trials[-1].key, trials[-1].kept, trials[-1].reason) == ("largest", False, reason)


def test_the_best_of_many_must_be_better_by_more_than_one_alone() -> None:
    def interval(key: str, value: Any) -> tuple[float, float]:
        scores = Scores(MANY, {(key, value): 0.1})
        _, trials = choose(scores, scores.groups, settings())
        [found] = [trial.interval for trial in trials if trial.key == key]
        assert found is not None
        return found

    one, many = interval("largest", True), interval("threshold", 0.3)
    assert many[0] < one[0] - 0.01
    assert many[1] > one[1] + 0.01


def test_what_is_given_is_not_tried() -> None:
    scores = Scores(MANY, {("mirror", True): 0.5, ("threshold", 0.3): 0.5})
    given = {"mirror": False, "threshold": 0.7, "temperature": 1.5, "fill_holes": True, "least_region": 9}
    point, trials = choose(scores, scores.groups, settings(**given))
    assert point == OperatingPoint(threshold=0.7, temperature=1.5, fill_holes=True, least_region=9)
    assert [trial.key for trial in trials] == ["largest"]


def test_several_classes_have_no_threshold() -> None:
    scores = Scores(MANY, {("threshold", 0.3): 0.5, ("mirror", True): 0.1}, classes=2)
    point, trials = choose(scores, scores.groups, settings(TWO))
    assert point == OperatingPoint(mirror=True)
    assert "threshold" not in [trial.key for trial in trials]
    assert threshold_curve(scores, point, TWO) is None


def test_the_curve_is_the_mean_dice_by_threshold() -> None:
    scores = Scores(MANY, {("threshold", 0.3): 0.2})
    curve = threshold_curve(scores, OperatingPoint(mirror=True), Task())
    assert curve is not None
    assert curve["threshold"] == pytest.approx(np.arange(0.05, 0.96, 0.05))
    assert curve["dice"] == pytest.approx([0.8 if each == 0.3 else 0.6 for each in curve["threshold"]], abs=0.01)
    assert all(each.mirror for each in scores.asked)


def test_no_temperature_is_tried_where_it_would_change_masks() -> None:
    scores = Scores(MANY, {("temperature", 2.0): 0.15})
    point, trials = choose(scores, scores.groups, settings(threshold=0.3))
    assert point == OperatingPoint(threshold=0.3)
    assert "temperature" not in [trial.key for trial in trials]
    assert choose(scores, scores.groups, settings(threshold=0.5))[0].temperature == 2.0
