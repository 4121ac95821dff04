"""Whether the orientations that files carry tell how an image and its mask lie on each other."""

from __future__ import annotations

import numpy as np
import pytest

from components.example_gen.turns import Turns, advice_on_sizes, why_unclear
from components.imaging.files.orientation import turned, turned_back

SQUARE = np.zeros((6, 6), np.uint8)
SQUARE[1, 1:3] = 1
OBLONG = np.zeros((6, 8), np.uint8)
OBLONG[1, 2:4] = 1


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("stored", [np.arange(6).reshape(2, 3), np.arange(18).reshape(2, 3, 3)], ids=["gray", "RGB"])
def test_a_turn_and_back(stored: np.ndarray, orientation: int) -> None:
    there = turned(stored, orientation)
    assert there.shape[:2] == (stored.shape[1::-1] if orientation >= 5 else stored.shape[:2])
    np.testing.assert_array_equal(turned_back(there, orientation), stored)


@pytest.mark.parametrize("orientation", range(2, 9))
def test_every_turn_of_a_square_image_alone_is_unclear(orientation: int) -> None:
    assert why_unclear(orientation, {"m.png": (1, SQUARE)})
    assert why_unclear(1, {"m.png": (orientation, SQUARE)})
    assert not why_unclear(orientation, {"m.png": (orientation, SQUARE)})


@pytest.mark.parametrize(
    ("image", "truth", "unclear"),
    [
        pytest.param(6, {"m.png": (1, OBLONG)}, False, id="as stored the sizes would differ"),
        pytest.param(6, {"m.png": (8, OBLONG)}, True, id="both stand on their sides"),
        pytest.param(6, {"": (1, OBLONG)}, True, id="outlines have no size"),
        pytest.param(3, {"m.png": (1, np.zeros_like(OBLONG))}, False, id="nothing is drawn"),
        pytest.param(6, {"": (1, np.zeros_like(OBLONG))}, False, id="nothing is outlined"),
        pytest.param(3, {"m.png": (1, OBLONG | OBLONG[::-1, ::-1])}, False, id="the same either way"),
        pytest.param(3, {"m.png": (3, OBLONG), "n.png": (1, OBLONG)}, True, id="one of two masks"),
    ],
)
def test_what_sizes_and_truth_tell(image: int, truth: dict[str, tuple[int, np.ndarray]], unclear: bool) -> None:
    assert bool(why_unclear(image, truth)) is unclear


def test_what_is_said_is_true_where_the_mask_alone_carries_one() -> None:
    unclear = why_unclear(1, {"m.png": (3, OBLONG)})
    assert "different orientations, the image none, its mask m.png a turn by 180 degrees:" in unclear
    sizes = advice_on_sizes(((40, 56), 1), ((56, 40), 6), upright=True)
    assert "different orientations, the image none, its mask a turn by 90 degrees;" in sizes


def test_sizes_that_differ_by_more_than_a_turn_are_not_put_down_to_one() -> None:
    assert advice_on_sizes(((40, 56), 6), ((56, 40), 1), upright=True).endswith('set [data] orientation = "ignore"')
    assert advice_on_sizes(((40, 56), 6), ((56, 40), 1), upright=False).endswith('set [data] orientation = "apply"')
    assert advice_on_sizes(((40, 56), 6), ((28, 20), 1), upright=True) == ""
    assert advice_on_sizes(((40, 56), 1), ((56, 40), 1), upright=True) == ""


def test_masks_that_carry_the_same() -> None:
    assert Turns(3, {"m": 3}).agree
    assert not Turns(3, {"m": 3, "n": 1}).agree
    assert not Turns(3).agree
    assert not Turns(1, {"m": 1}).carried
