"""Lenses: where they take their pixels from, that they keep the order, and that they do not know of each other."""

from __future__ import annotations

import math

import numpy as np
import pytest
from discs import disc_mask
from hypothesis import given, settings
from hypothesis import strategies as st

from components.imaging.augmentation.lenses import Lens
from components.imaging.augmentation.warp import Warp


@pytest.mark.parametrize(("distance", "source"), [(1, 0.25), (5, 2.05), (20, 12.4), (160, 160)])
def test_a_barrel_takes_its_pixels_from_where_it_should(distance: int, source: float) -> None:
    """r * sin(pi r / (2 R))^0.3 with R = 0.3 * 512."""
    warp = Warp(lenses=(Lens(256.5 / 512, 256.5 / 512, 0.3, 0.3),))
    for row, column in ((256 + distance, 256), (256, 256 - distance)):
        found = warp.to_source(row, column, 512, 512)
        assert math.dist(found, (256, 256)) == pytest.approx(source, abs=0.05 if source > 3 else 0.005)


@pytest.mark.parametrize(("amount", "area"), [(0.3, 2637), (-0.3, 331)])
def test_a_lens_changes_the_area_of_a_disc(amount: float, area: int) -> None:
    """Amount -0.3 without the limit on its slope would give 317."""
    mask = disc_mask(512, 512, 256, 256, 20)
    _, placed = Warp(lenses=(Lens(256.5 / 512, 256.5 / 512, 154 / 512, amount),)).apply(mask, mask)
    assert placed.sum() == pytest.approx(area, rel=0.06)


@settings(max_examples=60, deadline=None)
@given(amount=st.floats(-0.95, 3), radius=st.floats(0.05, 1))
def test_a_lens_is_monotone_and_leaves_its_outside_alone(amount: float, radius: float) -> None:
    """Defect D6 of older systems, its other half: a pincushion's slope at its centre was infinite, and a pixel beside
    it showed what lay 4 pixels away. Ours is 2.9 at the most for an amount of -0.3."""
    lens = Lens(0, 0, radius, amount)
    distance = np.geomspace(1e-3, 2, 2000) * radius * 1000
    x, y = np.float32(distance * 0.6 - 0.5), np.float32(distance * 0.8 - 0.5)
    lens.bend(x, y, 1000, 1000)
    taken = np.hypot(x.astype(float) + 0.5, y.astype(float) + 0.5)
    assert (np.diff(taken) > -2e-4).all()
    np.testing.assert_allclose(taken[distance > lens.radius * 1000], distance[distance > lens.radius * 1000], atol=1e-3)
    slope_at_centre = taken[0] / distance[0]
    assert slope_at_centre <= 0.03 ** min(amount, 0) + 0.1 / distance[0]


def test_lenses_apart_do_not_know_of_each_other() -> None:
    """Defect D6 of older systems: each lens distorted what the one before had left, so that copies meant for one centre
    had a Dice of 0.65 to 0.88 with it."""
    first, second = Lens(0.3, 0.3, 0.2, 0.3), Lens(0.7, 0.7, 0.2, -0.3)
    together, alone, other = (Warp(lenses=lenses).maps(200, 200) for lenses in ((first, second), (first,), (second,)))
    upper = np.add.outer(np.arange(200), np.arange(200)) < 199
    for found, one, two in zip(together, alone, other, strict=True):
        np.testing.assert_allclose(found, np.where(upper, one, two), atol=1e-4)
