"""The interval of a mean: against formulas of others, and how often it covers."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import beta

from benchmarks.coverage import SHAPES, Shape, covered, ours, paired
from components.measures.interval import LEAST_GROUPS, interval

UNIT = (0.0, 1.0)


def names(count: int) -> list[str]:
    return [f"{index:04d}" for index in range(count)]


@pytest.mark.parametrize(("ones", "zeros"), [(12, 0), (9, 3), (4, 16), (0, 8)])
@pytest.mark.parametrize("tail", [0.025, 0.005])
def test_of_zeros_and_ones_it_is_that_of_clopper_and_pearson(ones: int, zeros: int, tail: float) -> None:
    values = np.array([[1.0] * ones + [0.0] * zeros])
    low = beta.ppf(tail, ones, zeros + 1) if ones else 0.0
    high = beta.ppf(1 - tail, ones + 1, zeros) if zeros else 1.0
    np.testing.assert_allclose(interval(values, names(ones + zeros), UNIT, tail), (low, high), atol=0.012)


@pytest.mark.parametrize("shape", [*SHAPES, *map(paired, SHAPES)])
@pytest.mark.parametrize("groups", [8, 20])
def test_it_covers_what_it_says(shape: Shape, groups: int) -> None:
    ends = UNIT if shape in SHAPES else (-1.0, 1.0)
    assert covered(ours, shape, ends, groups, repeats=100)[0] >= 0.93


def test_of_many_groups_it_is_that_of_the_normal_distribution() -> None:
    values = np.random.default_rng(0).beta(4, 2, (1, 2000))
    half = 1.96 * values.std(ddof=1) / math.sqrt(2000)
    np.testing.assert_allclose(interval(values, names(2000), UNIT), values.mean() + np.array([-half, half]), atol=0.001)


def test_too_few_groups_have_none() -> None:
    values = np.full((2, 2 * LEAST_GROUPS), 0.5)
    values[:, :2] = math.nan  # The first group has no value, and does not count.
    groups = [name for name in names(LEAST_GROUPS) for _ in range(2)]
    assert interval(values, groups, UNIT) is None
    values[1, 0] = 0.5
    assert interval(values, groups, UNIT) is not None


def test_classes_that_rise_and_fall_together_have_the_interval_of_one() -> None:
    values = np.random.default_rng(2).beta(4, 2, (1, 20))
    alone, twice = interval(values, names(20), UNIT), interval(np.repeat(values, 2, axis=0), names(20), UNIT)
    unseen = interval(np.concatenate([values, np.full((1, 20), math.nan)]), names(20), UNIT)
    np.testing.assert_allclose(twice, alone, atol=1e-12)
    np.testing.assert_allclose(unseen, alone, atol=1e-12)


def test_images_of_one_patient_are_one_piece_of_evidence() -> None:
    values = np.random.default_rng(4).beta(2, 1, (1, 12))
    each, four_times = interval(values, names(12), UNIT), interval(np.tile(values, 4), names(12) * 4, UNIT)
    np.testing.assert_allclose(four_times, each, atol=1e-12)
