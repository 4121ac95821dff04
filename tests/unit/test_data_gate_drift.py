"""Drift: other phantoms are not drift, another exposure is."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import cv2
import numpy as np
import pytest

from components.data_gate.drift import DRIFT, SAME, TOO_FEW, Feature, compare, drift
from components.data_gate.settings import Validation
from pipeline.runs.phantoms.sets import write_phantoms

MAX_DRIFT = Validation().max_drift
WOMEN = 40


def row(group: Any, **values: float) -> dict[str, Any]:
    plain = {"mean": 0.3, "std": 0.1, "source_height": 64, "source_width": 64, "foreground": 0.1}
    return {"group": str(group), **plain, **values}


def by_name(features: Iterable[Feature]) -> dict[str, Feature]:
    return {feature.name: feature for feature in features}


def drifted(features: Iterable[Feature]) -> set[str]:
    return {feature.name for feature in features if feature.verdict == DRIFT}


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], list[np.ndarray]]:
    """The films of a seed, values 0 to 1."""
    root = tmp_path_factory.mktemp("phantoms")

    def make(seed: int) -> list[np.ndarray]:
        write_phantoms(root / str(seed), women=WOMEN, size=64, seed=seed)
        paths = sorted((root / str(seed)).glob("*.pgm"))
        return [cv2.imread(str(path), cv2.IMREAD_UNCHANGED) / 255 for path in paths]

    return make


def rows(films: list[np.ndarray]) -> list[dict[str, Any]]:
    """Films 2k and 2k + 1 are one woman's."""
    return [row(number // 2, mean=film.mean(), std=film.std()) for number, film in enumerate(films)]


@pytest.mark.parametrize("seed", [2, 3, 4])
def test_other_films_of_the_same_kind_are_no_drift(films: Callable[[int], list[np.ndarray]], seed: int) -> None:
    features = compare(rows(films(1)), rows(films(seed)), MAX_DRIFT)
    assert {feature.verdict for feature in features} == {SAME}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda film: film / 2, {"intensity mean", "intensity spread"}),
        (lambda film: 0.7 * film, {"intensity mean", "intensity spread"}),
        (lambda film: film + 0.1, {"intensity mean"}),
    ],
    ids=["half the contrast", "darker", "an offset"],
)
def test_another_scanner_is_drift(
    films: Callable[[int], list[np.ndarray]], change: Callable[[np.ndarray], np.ndarray], expected: set[str]
) -> None:
    changed = [change(film) for film in films(2)]
    assert drifted(compare(rows(films(1)), rows(changed), MAX_DRIFT)) == expected


def test_the_numbers_of_a_worked_example() -> None:
    """The highest 40 of 400 groups rise above all of the champion's: distance 0.1, by Smirnov's limit for two samples
    p = 2 exp(-2 n m / (n + m) 0.1**2) = 2 exp(-4)."""
    champion = [row(number, mean=0.001 * number) for number in range(400)]
    now = [row(number, mean=0.001 * number + (0.5 if number >= 360 else 0)) for number in range(400)]
    feature = by_name(compare(champion, now, 1.0))["intensity mean"]
    assert feature.statistic == pytest.approx(0.1)
    assert feature.champion_median == pytest.approx(0.1995)
    assert feature.median == pytest.approx(0.1995)
    assert feature.p_value == pytest.approx(2 * np.exp(-4), rel=0.1)
    assert (feature.champion_groups, feature.groups) == (400, 400)


@pytest.mark.parametrize(("share", "expected"), [(0.4, set()), (0.5, {"source height"})])
def test_the_limit_is_a_distance(share: float, expected: set[str]) -> None:
    champion = [row(number) for number in range(100)]
    now = [row(number, source_height=128 if number < 100 * share else 64) for number in range(100)]
    assert drifted(compare(champion, now, 0.4)) == expected


def test_a_limit_of_one_allows_everything() -> None:
    champion, now = [row(n) for n in range(99)], [row(n, mean=0.9, std=0.4, source_width=9) for n in range(99)]
    assert drifted(compare(champion, now, 0.99)) == {"intensity mean", "intensity spread", "source width"}
    assert drifted(compare(champion, now, 1.0)) == set()


def test_a_great_distance_on_few_groups_is_chance() -> None:
    champion = [row(number, mean=0.1 * number) for number in range(12)]
    now = [row(number, mean=0.1 * number + 0.55) for number in range(12)]
    feature = by_name(compare(champion, now, 0.4))["intensity mean"]
    assert feature.statistic == pytest.approx(0.5)
    assert feature.verdict == SAME


def test_a_group_counts_once() -> None:
    """A thousand tiles of a slide are not a thousand observations."""
    champion = [row(group, mean=0.3) for group in range(5) for _ in range(200)]
    now = [row(group, mean=0.6) for group in range(5) for _ in range(200)]
    assert {feature.verdict for feature in compare(champion, now, 0.4)} == {TOO_FEW}
    more = [row(group, mean=mean) for group in range(20) for mean in (0.1, 0.5)]
    assert by_name(compare(more, more, 0.4))["intensity mean"].median == pytest.approx(0.3)


@pytest.mark.parametrize(("groups", "verdict"), [(9, TOO_FEW), (10, DRIFT)])
def test_too_few_groups_to_tell(groups: int, verdict: str) -> None:
    """Ten against a hundred, all of them apart: the least that can be told."""
    champion, now = [row(number) for number in range(100)], [row(number, mean=0.9) for number in range(groups)]
    for one, other in ((champion, now), (now, champion)):
        assert by_name(compare(one, other, 0.4))["intensity mean"].verdict == verdict


def test_foreground_is_compared_where_there_is_some_and_counted_where_there_is_none() -> None:
    champion = [row(number, foreground=0.1 if number % 2 else 0) for number in range(80)]
    now = [row(number, foreground=0.1 if number % 10 == 1 else 0) for number in range(240)]
    features = by_name(compare(champion, now, 0.3))
    assert drifted(features.values()) == {"empty masks"}
    assert features["empty masks"].statistic == pytest.approx(0.4)
    assert (features["foreground share"].champion_groups, features["foreground share"].groups) == (40, 24)
    larger = [row(number, foreground=0.2 if number % 2 else 0) for number in range(80)]
    assert drifted(compare(champion, larger, 0.3)) == {"foreground share"}


def test_a_report_of_an_earlier_version_tells_nothing() -> None:
    champion = [{"group": str(number), "source": "a.png"} for number in range(50)]
    assert {feature.verdict for feature in compare(champion, [row(n) for n in range(50)], 0.4)} == {TOO_FEW}
    assert {feature.verdict for feature in compare([], [], 0.4)} == {TOO_FEW}


def test_the_finding_says_what_has_changed_and_what_to_do() -> None:
    champion = [row(number, mean=0.3 if number else 0.9) for number in range(100)]
    features = compare(champion, [row(number, mean=0.6) for number in range(100)], 0.4)
    [found] = drift(features, "1700000000", 0.4)
    assert (found.kind, found.count, found.stops) == ("drift", 1, True)
    assert found.examples[0].startswith("intensity mean: median 0.3 became 0.6, distance 0.99, p = ")
    assert "champion, version 1700000000 ([validation] max_drift allows a distance of 0.4)" in found.message
    assert "raise [validation] max_drift" in found.advice


def test_no_drift_no_finding() -> None:
    same = [row(number) for number in range(60)]
    assert list(drift(compare(same, same, 0.4), "1", 0.4)) == []
