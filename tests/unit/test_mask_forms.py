"""Masks of several classes: colours, indices and one-hot, with worked values."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from components.imaging.truth.mask_colours import colour_mask
from components.imaging.truth.mask_forms import index_mask, level_mask, object_mask
from components.imaging.truth.masks import UnclearMask
from components.imaging.truth.one_hot import one_hot_mask

FAR = 442.0
"""More than black is from white."""
LEVELS = {64: 0, 128: 1, 255: 2}
RGB_MAP = {0x000000: 0, 0x00FF00: 1, 0xFF0000: 2, 0x0000FF: 3}


def test_each_colour_is_its_class() -> None:
    pixels = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255], [0, 0, 0]]], np.uint8)
    mask = colour_mask(pixels, RGB_MAP, 0).mask
    assert mask.dtype == np.uint8
    np.testing.assert_array_equal(mask, [[2, 1, 3, 0]])


@pytest.mark.parametrize("channels", [1, 3])
def test_the_nearest_colour_counts(channels: int) -> None:
    """Grey 120 is nearer to black, 140 to white; 127 and 128 lie on either side of the middle."""
    grey = np.array([[120, 140, 127, 128]], np.uint8)
    pixels = grey if channels == 1 else np.dstack([grey] * 3)
    np.testing.assert_array_equal(colour_mask(pixels, {0x000000: 0, 0xFFFFFF: 1}, FAR).mask, [[0, 1, 0, 1]])


def test_of_two_colours_equally_near_the_first_named_counts() -> None:
    middle = np.array([[[10, 0, 0]]], np.uint8)
    assert colour_mask(middle, {0x000000: 4, 0x140000: 7}, 10).mask[0, 0] == 4
    assert colour_mask(middle, {0x140000: 7, 0x000000: 4}, 10).mask[0, 0] == 7


def test_the_distance_is_euclidean_and_includes_its_limit() -> None:
    """(255, 3, 4) is 5 from red."""
    pixels = np.array([[[255, 3, 4]]], np.uint8)
    assert colour_mask(pixels, RGB_MAP, 5).mask[0, 0] == 2
    with pytest.raises(UnclearMask):
        colour_mask(pixels, RGB_MAP, 4.99)


def test_an_unknown_colour_is_named_with_its_place_and_its_neighbour() -> None:
    pixels = np.zeros((4, 6, 3), np.uint8)
    pixels[1, 4], pixels[3, 0] = (255, 128, 0), (255, 255, 255)
    expected = r"2 pixels are farther than 60 .*#ff8000 at row 1, column 4, 128 from #ff0000: .* max_colour_distance"
    with pytest.raises(UnclearMask, match=expected):
        colour_mask(pixels, RGB_MAP, 60)


def test_sixteen_bit_colours_are_refused() -> None:
    with pytest.raises(UnclearMask, match="uint16 values, expected 8 bit"):
        colour_mask(np.zeros((2, 2, 3), np.uint16), RGB_MAP, FAR)


@settings(max_examples=30, deadline=None)
@given(arrays(np.uint8, (5, 7, 3)), st.lists(st.integers(0, 0xFFFFFF), min_size=1, max_size=6, unique=True))
def test_colours_as_by_a_loop(pixels: np.ndarray, colours: list[int]) -> None:
    mask = colour_mask(pixels, {colour: index for index, colour in enumerate(colours)}, FAR).mask
    for place in np.ndindex(5, 7):
        squared = [
            sum(
                (int(pixels[place][channel]) - (colour >> shift & 255)) ** 2 for channel, shift in enumerate((16, 8, 0))
            )
            for colour in colours
        ]
        assert mask[place] == squared.index(min(squared))


def test_more_colours_than_are_compared_at_a_time() -> None:
    """40,000 colours: red from 0 to 199 in rows, green in columns; the border between the two known lies at 100."""
    red, green = np.mgrid[:200, :200].astype(np.uint8)
    mask = colour_mask(np.dstack([red, green, np.zeros_like(red)]), {0x000000: 0, 0xC80000: 5}, FAR).mask
    np.testing.assert_array_equal(mask, 5 * (red > 100))


def test_a_jpeg_of_colours_is_read_by_the_nearest() -> None:
    truth = np.zeros((64, 64), np.uint8)
    cv2.circle(truth, (20, 30), 12, 2, -1)
    cv2.circle(truth, (48, 40), 9, 1, -1)
    palette = np.array([[0, 0, 0], [0, 255, 0], [255, 0, 0]], np.uint8)
    _, jpg = cv2.imencode(".jpg", palette[truth][..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 95])
    pixels = cv2.cvtColor(cv2.imdecode(jpg, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
    mask = colour_mask(pixels, {0x000000: 0, 0x00FF00: 1, 0xFF0000: 2}, FAR).mask
    assert (mask != truth).mean() < 0.02
    with pytest.raises(UnclearMask):
        colour_mask(pixels, {0x000000: 0, 0x00FF00: 1, 0xFF0000: 2}, 60)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 3])
def test_values_are_classes(dtype: type, channels: int) -> None:
    pixels = np.array([[0, 1, 2, 1]], dtype)
    mask = index_mask(np.dstack([pixels] * 3) if channels == 3 else pixels, 2).mask
    assert mask.dtype == np.uint8
    np.testing.assert_array_equal(mask, [[0, 1, 2, 1]])


def test_values_above_the_classes_are_named() -> None:
    with pytest.raises(
        UnclearMask,
        match=r"values 0, 1, 3, expected class indices from 0 to 2; 1 .* row 0, column 2: name .*\[data\] classes$",
    ):
        index_mask(np.array([[0, 1, 3]], np.uint8), 2)
    with pytest.raises(UnclearMask, match="256, expected"):
        index_mask(np.array([[256]], np.uint16), 2)


def test_255_may_be_a_binary_mask_or_pixels_to_ignore() -> None:
    with pytest.raises(UnclearMask, match=r'not judged.*ignore = 255.*binary mask.*form = "binary"'):
        index_mask(np.array([[0, 255]], np.uint8), 1)


def test_many_unknown_values_are_cut_short() -> None:
    with pytest.raises(UnclearMask, match=r"0, 1, 2, 3, 4, 5, 6, 7 \.\.\., expected"):
        index_mask(np.arange(200, dtype=np.uint8)[None], 2)


def test_colours_are_no_indices() -> None:
    with pytest.raises(UnclearMask, match="has colours"):
        index_mask(np.array([[[1, 1, 0]]], np.uint8), 2)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 3])
def test_each_level_is_its_class(dtype: type, channels: int) -> None:
    grey = np.array([[64, 128, 255, 64]], dtype)
    mask, stray = level_mask(grey if channels == 1 else np.dstack([grey] * 3), LEVELS)
    assert (mask.dtype, stray) == (np.uint8, 0)
    np.testing.assert_array_equal(mask, [[0, 1, 2, 0]])


@pytest.mark.parametrize("lossy", [False, True])
def test_the_nearest_level_counts(lossy: bool) -> None:
    """96 lies in the middle of 64 and 128, and counts as the lower; 191 is nearer to 128, 192 to 255; 0 to 64."""
    mask, stray = level_mask(np.array([[0, 96, 97, 191, 192, 64]], np.uint8), LEVELS, 1.0, lossy=lossy)
    np.testing.assert_array_equal(mask, [[0, 0, 1, 1, 2, 0]])
    assert stray == (0 if lossy else pytest.approx(5 / 6))


def test_levels_of_sixteen_bit() -> None:
    grey = np.array([[0, 300, 40_000, 65_535]], np.uint16)
    mask, stray = level_mask(grey, {0: 0, 300: 1, 65_535: 2}, 0.25)
    np.testing.assert_array_equal(mask, [[0, 1, 2, 2]])
    assert stray == 0.25


def test_an_unnamed_level_is_told() -> None:
    with pytest.raises(
        UnclearMask, match=r"none of the .* levels 64, 128, 255, 50%.*the first is 7 at row 0, column 1"
    ):
        level_mask(np.array([[64, 7]], np.uint8), LEVELS, 0.1)
    with pytest.raises(UnclearMask, match="expected grey values, but the mask has colours"):
        level_mask(np.array([[[0, 0, 0], [255, 0, 0]]], np.uint8), LEVELS)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 3])
def test_objects_are_numbered_and_need_not_be_in_order(dtype: type, channels: int) -> None:
    numbers = np.array([[0, 7, 7, 200], [1, 0, 255, 255]], dtype)
    mask, count = object_mask(numbers if channels == 1 else np.dstack([numbers] * 3))
    assert (mask.dtype, count) == (np.uint8, 4)
    np.testing.assert_array_equal(mask, [[0, 1, 1, 1], [1, 0, 1, 1]])


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int64, np.float16, np.float32])
def test_the_channel_of_the_one_is_the_class(dtype: type) -> None:
    classes = np.array([[0, 2, 1], [2, 2, 0]])
    mask = one_hot_mask(np.eye(3)[classes].astype(dtype))
    assert mask.dtype == np.uint8
    np.testing.assert_array_equal(mask, classes)


@pytest.mark.parametrize("wrong", [[0, 0], [1, 1], [0.5, 0.5], [1, 0.5], [1, np.nan], [255, 0], [2, -1]])
def test_a_pixel_that_is_not_one_hot_is_refused(wrong: list[float]) -> None:
    array = np.zeros((3, 4, 2))
    array[..., 0] = 1
    array[2, 1] = wrong
    with pytest.raises(UnclearMask, match=r"1 pixels are not one-hot.*row 2, column 1"):
        one_hot_mask(array)


@pytest.mark.parametrize("shape", [(4, 4), (4, 4, 1), (1, 4, 4, 2), (2, 2, 257)])
def test_another_shape_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(UnclearMask, match="shape"):
        one_hot_mask(np.ones(shape))
