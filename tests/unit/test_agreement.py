"""When two ways of predicting agree: by changes of Dice that are made up."""

from __future__ import annotations

import numpy as np
import pytest

from components.measures.agreement import agreement, least_groups


def changes(groups: int, mean: float) -> tuple[np.ndarray, list[str]]:
    """All alike, a case for each group."""
    return np.full((1, groups), mean), [f"p{number}" for number in range(groups)]


def test_nothing_changes_in_so_many_groups() -> None:
    # The upper end is 1 - 0.025^(1/n) (Clopper and Pearson of 0 of n): 0.005 at n = 736.
    assert least_groups(0.005) == pytest.approx(736, abs=3)
    # Three classes have an unseen group each, and the mean of three such numbers scatters less: Gamma(3) at 97.5 %.
    assert least_groups(0.005, classes=3) == pytest.approx(7.2247 / 3 / 0.005, abs=1)


@pytest.mark.parametrize(("mean", "agrees"), [(0.0, True), (0.001, True), (-0.001, True), (0.0031, False)])
def test_just_inside_and_just_outside(mean: float, agrees: bool) -> None:
    """Of 1000 groups the interval of nothing is ±0.0037, and a change moves both ends."""
    found = agreement(*changes(1000, mean))
    assert found.agrees == agrees
    assert found.ci95 is not None
    assert (max(map(abs, found.ci95)) <= 0.005) == agrees
    assert (found.n, found.groups) == (1000, 1000)


def test_a_change_that_is_too_large_is_told_with_its_numbers() -> None:
    found = agreement(*changes(40, -0.4))
    assert not found.agrees
    assert found.reason.startswith("the mean changes by -0.4000 (95 % CI ")
    assert "40 groups): more than ±0.005" in found.reason


@pytest.mark.parametrize("groups", [0, 5, 24, 700])
def test_too_few_groups_say_nothing_even_where_nothing_changes(groups: int) -> None:
    found = agreement(*changes(groups, 0.0))
    assert not found.agrees
    assert found.reason.startswith("too few groups to say: ")
    assert "±0.005 takes some 738 groups even where nothing changes" in found.reason


def test_cases_of_a_group_count_together() -> None:
    values, _ = changes(1000, 0.0)
    assert not agreement(values, [f"p{number // 2}" for number in range(1000)]).agrees


def test_many_groups_that_scatter_are_not_said_to_be_too_few() -> None:
    values = np.where(np.arange(800) % 2, 0.2, -0.2)[None]
    found = agreement(values, [str(number) for number in range(800)])
    assert not found.agrees
    assert "it may be more than ±0.005" in found.reason
