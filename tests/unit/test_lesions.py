"""Lesions against SciPy's labels and scikit-image's regions, and by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from compared import NOTHING, SQUARE, drawn, over_the_table, seen
from evaluated import case
from scipy.ndimage import label
from skimage.measure import regionprops

from components.evaluator.core import metrics
from components.imaging.truth.classes import IGNORE
from components.measures.lesions import centre_hit, false_positives, lesion_dice, lesion_sensitivity, lesions
from pipeline.config.loader import load_config

MEASURES = (lesion_sensitivity, false_positives, lesion_dice, centre_hit)


def regions(mask: np.ndarray) -> list[np.ndarray]:
    labels, number = label(mask, np.ones((3, 3)))
    return [labels == index for index in range(1, number + 1)]


@over_the_table
def test_against_a_loop_over_regions(truth: np.ndarray, predicted: np.ndarray) -> None:
    true, positive = regions(truth == 1), regions((predicted == 1) & (truth != IGNORE))
    alone = [region for region in positive if not (region & (truth == 1)).any()]
    dice = []
    for lesion in true:
        touching = sum((region for region in positive if (region & lesion).any()), np.zeros_like(lesion))
        dice.append(2 * (lesion & touching).sum() / (lesion.sum() + touching.sum()))
    found = lesions(seen(truth, predicted))
    assert false_positives(found) == len(alone)
    shares = sum(share > 0 for share in dice) / len(true) if true else math.nan
    assert lesion_sensitivity(found) == pytest.approx(shares, nan_ok=True)
    number = len(true) + len(alone)
    assert lesion_dice(found) == pytest.approx(sum(dice) / number if number else 1)


def test_by_hand() -> None:
    """Of three lesions one is met by two regions, one missed, and one half covered; a region lies alone."""
    truth = drawn((1, 1, 4, 4), (1, 12, 2, 13), (10, 1, 11, 4))
    predicted = drawn((0, 0, 1, 4), (3, 3, 3, 4), (10, 1, 10, 4), (16, 20, 18, 22))
    found = lesions(seen(truth, predicted))
    first, third = 2 * (4 + 2) / (16 + 10 + 2), 2 * 4 / (8 + 4)
    assert lesion_sensitivity(found) == pytest.approx(2 / 3)
    assert false_positives(found) == 1
    assert lesion_dice(found) == pytest.approx((first + 0 + third) / 4)


@pytest.mark.parametrize(
    ("truth", "predicted", "expected"),
    [
        (NOTHING, NOTHING, (math.nan, 0, 1, math.nan)),
        (NOTHING, SQUARE, (math.nan, 1, 0, math.nan)),
        (SQUARE, NOTHING, (0, 0, 0, 0)),
        (SQUARE, SQUARE, (1, 0, 1, 1)),
        # Regions that touch at a corner are one; a single pixel in common finds a lesion, but not its centre.
        (SQUARE, drawn((9, 12, 12, 15)), (1, 0, 2 / (48 + 16), 0)),
        (drawn((4, 4, 5, 5), (6, 6, 7, 7)), drawn((4, 4, 4, 4)), (1, 0, 2 / 9, 0)),
    ],
)
def test_rules(truth: np.ndarray, predicted: np.ndarray, expected: tuple[float, ...]) -> None:
    found = lesions(seen(truth, predicted))
    np.testing.assert_allclose([measure(found) for measure in MEASURES], expected)


@pytest.mark.parametrize("radius", [1, 4, 6.3])
def test_the_centre_of_a_disc(radius: float) -> None:
    rows, columns = np.mgrid[:19, :34]
    disc = (np.hypot(rows - 8, columns - 20) <= radius).astype(np.uint8)
    [region] = regionprops(disc)
    assert region.centroid == (8, 20)
    assert centre_hit(lesions(seen(disc, drawn((8, 20, 8, 20))))) == 1
    assert centre_hit(lesions(seen(disc, disc - drawn((8, 20, 8, 20))))) == 0


def test_the_centre_of_a_ring_is_its_pixel_next_to_it() -> None:
    ring = drawn((5, 5, 11, 12)) - drawn((6, 6, 10, 11))
    centre = regionprops(ring)[0].centroid
    rows, columns = np.nonzero(ring)
    nearest = np.hypot(rows - centre[0], columns - centre[1]).argmin()
    alone = np.zeros_like(ring)
    alone[rows[nearest], columns[nearest]] = 1
    assert centre_hit(lesions(seen(ring, alone))) == 1
    assert centre_hit(lesions(seen(ring, ring - alone))) == 0


def test_where_truth_is_discs_hits_come_first_and_dice_says_against_what() -> None:
    """Phantoms are discs themselves."""
    found = metrics([case(0.5)], None, None, load_config("mias").evaluator)
    assert next(iter(found["measures"].items()))[0] == "centre_hit"
    assert found["measures"]["dice"]["title"] == "Dice against the disc"
    said = "mean Dice against the disc 0.5000 of 1 test cases meets min_dice;"
    assert any(limit["sentence"].startswith(said) for limit in found["limits"])
    usual = metrics([case(0.5)], None, None, load_config("demo").evaluator)["measures"]
    assert [*usual][:2] == ["dice", "iou"]
    assert usual["dice"]["title"] == "Dice"
