"""Painted pixels that lie on an image as outlines do."""

from __future__ import annotations

import numpy as np
import pytest
from annotated import drawn, masks
from hypothesis import assume, given
from hypothesis import strategies as st

from components.imaging.annotations.raster import painted, raster
from components.imaging.annotations.rle import decompressed, numbers
from components.imaging.truth.shapes import UnclearShape


@given(masks((0, 1)), st.integers(-3, 14), st.integers(-3, 14))
def test_what_is_painted_comes_back_where_it_lies(mask: np.ndarray, left: int, top: int) -> None:
    assume(mask.any())
    found, expected = np.zeros((15, 13), np.uint8), np.zeros((40, 40), np.uint8)
    painted(mask > 0, left, top).fill(found, 1)
    expected[13 + top : 13 + top + len(mask), 13 + left : 13 + left + mask.shape[1]] = mask
    np.testing.assert_array_equal(found, expected[13:28, 13:26])


@given(masks((0, 1)))
def test_scaled_it_is_the_nearest_pixel(mask: np.ndarray) -> None:
    assume(mask.any())
    height, width = mask.shape
    found = np.zeros((3 * height, 2 * width), np.uint8)
    painted(mask > 0).mapped((2.0, 3.0), (0.5, 1.0)).fill(found, 1)
    np.testing.assert_array_equal(found, mask.repeat(3, axis=0).repeat(2, axis=1))


def test_runs_of_none_change_nothing() -> None:
    lengths = np.array([1, 0, 1, 2, 0, 1, 1, 0, 0])
    mask = np.zeros((2, 3), np.uint8)
    raster(lengths, (2, 3)).fill(mask, 7)
    np.testing.assert_array_equal(mask, drawn(".77", ".7."))
    assert raster(lengths, (2, 3)) == raster(np.array([2, 3, 1]), (2, 3))


def test_runs_of_unknown_size_take_that_of_the_image() -> None:
    found, mask = raster(np.array([2, 3])), np.zeros((2, 3), np.uint8)
    found.fill(mask, 1)
    np.testing.assert_array_equal(mask, drawn(".11", ".1."))
    with pytest.raises(UnclearShape, match="the run lengths end at pixel 5 of an image of 2 x 2 pixels"):
        found.fill(np.zeros((2, 2), np.uint8), 1)


def test_what_claims_a_grid_of_any_size_takes_no_memory_of_it() -> None:
    mask = np.zeros((4, 4), np.uint8)
    side = 2**16
    raster(np.array([0, side * side]), (side, side)).mapped((4 / side, 4 / side), (0, 0)).fill(mask, 1)
    assert mask.all()


@pytest.mark.parametrize("size", [(0, 5), (-1, -6), (-6, -1)])
def test_a_grid_of_no_size_is_named(size: tuple[int, int]) -> None:
    with pytest.raises(UnclearShape, match="the run lengths are of an image of"):
        raster(np.array([2, 4]), size)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("1 " * (2**22 + 1), "has more than the 4194304 run lengths"),
        ("1 " + "9" * 10**6, "are no whole numbers: Exceeds the limit"),
        (f"1 {2**70}", "are no whole numbers"),
        ("1 x", "'1 x' are no whole numbers: invalid literal"),
    ],
)
def test_numbers_that_are_none_or_too_many_are_named(text: str, reason: str) -> None:
    with pytest.raises(UnclearShape, match=reason):
        numbers(text)


def test_compressed_run_lengths_of_no_mask_are_refused() -> None:
    with pytest.raises(UnclearShape, match="have 9000000 characters, more than the 8388608"):
        decompressed("1" * 9_000_000)
