"""Distances of surfaces against DeepMind's `surface-distance`, and by hand."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
import surface_distance
from compared import SQUARE, TABLE, drawn, over_the_table, seen

from components.imaging.truth.classes import IGNORE
from components.measures import surface
from components.measures.surface import average_distance, hd95, surface_dice, surfaces
from components.measures.tolerance import Tolerance

SIZES = [(1.0, 1.0), (0.7, 1.3), (0.05, 0.05)]


@pytest.fixture(params=["tree", "map"], autouse=True)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ways to look up distances."""
    if request.param == "map":
        monkeypatch.setattr(surface, "_MOST_IN_TREE", 0)


@pytest.mark.parametrize("pixel_size", SIZES)
@over_the_table
def test_against_the_package(truth: np.ndarray, predicted: np.ndarray, pixel_size: tuple[float, float]) -> None:
    tolerance = 1.5 * pixel_size[1]
    found = surfaces(seen(truth, predicted, pixel_size=pixel_size, tolerance=tolerance))
    assert found is not None
    true, positive = truth == 1, (predicted == 1) & (truth != IGNORE)
    if not true.any() or not positive.any():
        assert all(math.isnan(measure(found)) for measure in (hd95, average_distance))
        assert surface_dice(found) == (not true.any() and not positive.any())
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        expected = surface_distance.compute_surface_distances(true, positive, pixel_size)
    assert hd95(found) == pytest.approx(surface_distance.compute_robust_hausdorff(expected, 95))
    dice = surface_distance.compute_surface_dice_at_tolerance(expected, tolerance)
    assert surface_dice(found) == pytest.approx(dice)
    means = surface_distance.compute_average_surface_distance(expected)
    lengths = [expected[f"surfel_areas_{which}"].sum() for which in ("gt", "pred")]
    assert average_distance(found) == pytest.approx(np.average(means, weights=lengths))


@pytest.mark.parametrize(("pixel_size", "factor"), [((1.0, 1.0), 1), ((1.0, 0.2), 0.2)])
def test_a_square_that_is_moved_by_three_pixels(pixel_size: tuple[float, float], factor: float) -> None:
    moved = drawn((4, 8, 9, 15))
    found = surfaces(seen(SQUARE, moved, pixel_size=pixel_size, tolerance=3 * factor))
    assert found is not None
    assert hd95(found) == pytest.approx(3 * factor)
    assert surface_dice(found) == 1
    closer = surfaces(seen(SQUARE, moved, pixel_size=pixel_size, tolerance=2.9 * factor))
    assert closer is not None
    assert surface_dice(closer) < 1


def test_two_pixels_beside_each_other() -> None:
    """Four corners each, of which they share two; the other two are 1 apart."""
    found = surfaces(seen(drawn((5, 5, 5, 5)), drawn((5, 6, 5, 6)), tolerance=0.5))
    assert found is not None
    assert (hd95(found), average_distance(found), surface_dice(found)) == (1, 0.5, 0.5)


@pytest.mark.parametrize("name", ["one pixel", "noise"])
def test_without_the_size_of_pixels_nothing_is_known(name: str) -> None:
    assert surfaces(seen(*TABLE[name], pixel_size=None)) is None


@pytest.mark.parametrize(("text", "length", "unit"), [("2 px", 2, "px"), ("0.5mm", 0.5, "mm"), ("0 px", 0, "px")])
def test_a_tolerance_has_a_unit(text: str, length: float, unit: str) -> None:
    found = Tolerance.parse(text)
    assert (found.length, found.unit, str(found)) == (length, unit, text)


@pytest.mark.parametrize("text", ["2", "2 cm", "-1 px", "", "px"])
def test_what_is_no_tolerance(text: str) -> None:
    with pytest.raises(ValueError, match=r'such as "2 px" or "0\.5 mm"'):
        Tolerance.parse(text)
