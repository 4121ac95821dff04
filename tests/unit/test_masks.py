"""Masks from grey images and from discs, several masks of one image, and what JPEG does to an area."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from components.imaging.truth.masks import UnclearMask, binary_mask, component_count, inflation, merge, two_values
from components.imaging.truth.shapes import Ellipse, Shape, rasterized

STEPS = np.array([[0, 127, 128, 255]], np.uint8)


def disc(size: int, row: float, column: float, radius: float) -> np.ndarray:
    return rasterized(size, size, [Shape(Ellipse(column, row, radius, radius))])


def jpeg(pixels: np.ndarray, quality: int) -> np.ndarray:
    _, content = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return cv2.imdecode(content, cv2.IMREAD_UNCHANGED)


def gray_rgb(pixels: np.ndarray) -> np.ndarray:
    return np.dstack([pixels] * 3)


@pytest.mark.parametrize("pixels", [STEPS, gray_rgb(STEPS)], ids=["gray", "RGB"])
@pytest.mark.parametrize(
    ("threshold", "expected"),
    [(1, [[0, 1, 1, 1]]), (128, [[0, 0, 1, 1]]), (129, [[0, 0, 0, 1]]), (255, [[0, 0, 0, 1]])],
)
def test_foreground_starts_at_the_threshold(pixels: np.ndarray, threshold: int, expected: list[list[int]]) -> None:
    mask = binary_mask(pixels, threshold)
    assert mask.dtype == np.uint8
    np.testing.assert_array_equal(mask, expected)


def test_threshold_of_a_sixteen_bit_mask() -> None:
    np.testing.assert_array_equal(binary_mask(np.array([[999, 1000, 65535]], np.uint16), 1000), [[0, 1, 1]])


def test_a_threshold_above_the_range_of_the_values_is_refused() -> None:
    with pytest.raises(UnclearMask, match=r"\[data.mask\] threshold 256 is out of reach of its uint8 values"):
        binary_mask(STEPS, 256)


def otsu_by_definition(values: np.ndarray) -> int:
    """The value above which foreground starts: greatest variance between the two classes (Otsu 1979)."""

    def between(cut: int) -> float:
        low, high = values[values <= cut], values[values > cut]
        return low.size * high.size * (low.mean() - high.mean()) ** 2

    return max(np.unique(values)[:-1], key=between)


@pytest.mark.parametrize(("dtype", "scale"), [(np.uint8, 1), (np.uint16, 1), (np.uint16, 250)])
@pytest.mark.parametrize("channels", [1, 3])
def test_otsu_separates_the_classes_best(dtype: type, scale: int, channels: int) -> None:
    rng = np.random.default_rng(0)
    values = scale * (rng.normal(60 + 80 * disc(24, 10, 12, 7), 25).clip(0, 255).astype(np.int64))
    pixels = values.astype(dtype)
    expected = values > otsu_by_definition(values)
    assert 100 < expected.sum() < 200
    np.testing.assert_array_equal(binary_mask(gray_rgb(pixels) if channels == 3 else pixels, "otsu"), expected)


@pytest.mark.parametrize(("dtype", "scale"), [(np.uint8, 1), (np.uint16, 1), (np.uint16, 255)])
def test_triangle_cuts_where_the_histogram_is_farthest_below_its_slope(dtype: type, scale: int) -> None:
    """A peak of 300 at 0 and a tail of ones to 255: the line falls by 299 / 255 per value, so that the foot is at 1."""
    values = np.concatenate([np.zeros(300), np.arange(1, 256)]).reshape(-1, 5) * scale
    mask = binary_mask(values.astype(dtype), "triangle")
    # OpenCV stops up to two values later.
    assert 255 - 3 <= mask.sum() <= 255
    assert mask[-1, -1] == 1


@pytest.mark.parametrize("threshold", ["otsu", "triangle"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("level", [1, 7, 255])
def test_found_thresholds_keep_what_has_two_values_or_one(threshold: str, dtype: type, level: int) -> None:
    truth = disc(16, 8, 7, 4)
    for mask in (truth, np.zeros_like(truth), np.ones_like(truth)):
        np.testing.assert_array_equal(binary_mask(mask.astype(dtype) * level, threshold), mask)


@pytest.mark.parametrize("threshold", ["otsu", "triangle"])
def test_found_thresholds_do_not_hide_colours(threshold: str) -> None:
    with pytest.raises(UnclearMask, match="colours"):
        binary_mask(np.dstack([disc(16, 8, 8, 4) * 255] + 2 * [np.zeros((16, 16), np.uint8)]), threshold)


@pytest.mark.parametrize(
    ("values", "expected"),
    [([0, 255], [0, 1]), ([0, 1], [0, 1]), ([7, 0], [1, 0]), ([0, 0], [0, 0]), ([255, 255], [1, 1])],
)
@pytest.mark.parametrize("channels", [1, 3])
def test_two_values_need_no_threshold(values: list[int], expected: list[int], channels: int) -> None:
    pixels = np.array([values], np.uint8)
    settled, stray = two_values(gray_rgb(pixels) if channels == 3 else pixels)
    np.testing.assert_array_equal(binary_mask(settled, 1), [expected])
    assert stray == 0


def test_several_grey_values_need_a_threshold() -> None:
    with pytest.raises(UnclearMask, match=r"3 grey values \(0 to 200\).*set \[data.mask\] threshold"):
        two_values(np.array([[0, 100, 200]], np.uint8))


def test_grey_values_without_background_need_a_threshold() -> None:
    with pytest.raises(UnclearMask, match=r"2 grey values \(1 to 2\)"):
        two_values(np.array([[1, 2]], np.uint8))


@pytest.mark.parametrize("threshold", [1, 80])
def test_a_red_lesion_is_refused_not_erased(threshold: int) -> None:
    """Red is grey 76: a threshold of 80 on the grey image would leave an empty mask."""
    red = np.zeros((8, 8, 3), np.uint8)
    red[2:5, 2:5, 0] = 255
    with pytest.raises(UnclearMask, match="colours"):
        binary_mask(red, threshold)


@pytest.mark.parametrize("quality", [75, 95])
@pytest.mark.parametrize("level", [60, 255])
@pytest.mark.parametrize(("size", "radius"), [(64, 8), (128, 20)])
def test_inflation_is_the_area_that_a_rule_adds_to_a_jpeg_mask(
    quality: int, level: int, size: int, radius: float
) -> None:
    truth = disc(size, size / 2 + 0.3, size / 2 - 0.2, radius)
    pixels = jpeg(truth * np.uint8(level), quality)
    inflated = {}
    for threshold in (1, level // 2 + 1, "otsu"):
        mask = binary_mask(pixels, threshold, lossy=True)
        inflated[threshold] = inflation(pixels, mask)
        assert inflated[threshold] == pytest.approx(mask.sum() / truth.sum(), rel=0.01)
    assert inflated[1] > 1.2
    assert inflated[level // 2 + 1] == pytest.approx(1, abs=0.01)
    assert inflated["otsu"] == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize(("threshold", "expected"), [(1, 7 / 4), (105, 1.0), (200, 3 / 4)])
def test_inflation_counts_from_the_midpoint_of_the_levels(threshold: int, expected: float) -> None:
    """Levels 10 and 200 with a pixel that rings above: four lie beyond the midpoint, 105."""
    pixels = np.array([[10, 10, 10, 120, 200, 200, 255]], np.uint8)
    assert inflation(pixels, binary_mask(pixels, threshold, lossy=True)) == expected


def test_inflation_of_flat_masks() -> None:
    flat = np.full((4, 4), 255, np.uint8)
    assert inflation(flat, flat) == 1.0
    assert inflation(flat, np.zeros_like(flat)) is None


@pytest.mark.parametrize("disputed", [0, 5, 6])
def test_channels_may_differ_on_the_outline_only(disputed: int) -> None:
    """Up to 5 disputed pixels per 100 agreed ones, each decided by two of the three channels."""
    pixels = np.zeros((12, 10, 3), np.uint8)
    pixels[:10] = 255
    pixels[10, : disputed // 2, :2] = 255
    pixels[10, disputed // 2 : disputed, 0] = 255
    if disputed > 5:
        with pytest.raises(UnclearMask, match="colours"):
            binary_mask(pixels, None)
    else:
        mask = binary_mask(pixels, None)
        assert mask[:10].all()
        np.testing.assert_array_equal(mask[10], np.arange(10) < disputed // 2)
        assert not mask[11].any()


def test_masks_of_one_class_are_united() -> None:
    one, other = disc(32, 10, 10, 6), disc(32, 12, 14, 6)
    np.testing.assert_array_equal(merge([one, other]), one | other)
    np.testing.assert_array_equal(merge([one, other], [2, 2]), 2 * (one | other))


def test_masks_of_different_classes_keep_them() -> None:
    one, other = disc(32, 8, 8, 5), disc(32, 22, 22, 5)
    expected = 3 * one + other
    np.testing.assert_array_equal(merge([one, other], [3, 1]), expected)
    np.testing.assert_array_equal(merge([3 * one, other]), expected)
    assert merge([one, other], [3, 1]).dtype == np.uint8


def test_where_outlines_overlap_the_smaller_mask_lies_on_top() -> None:
    cell = disc(64, 32, 32, 25)
    nucleus = disc(64, 32, 32, 10)
    cytoplasm = cell & ~disc(64, 32, 32, 9).astype(bool)
    expected = np.where(nucleus, 2, cell)
    np.testing.assert_array_equal(merge([nucleus, cytoplasm], [2, 1]), expected)
    np.testing.assert_array_equal(merge([cytoplasm, nucleus], [1, 2]), expected)


def test_an_overlap_wider_than_an_outline_is_refused() -> None:
    """Three columns of 30 rows, 2.3 % of the larger mask."""
    left, right = np.zeros((2, 60, 80), np.uint8)
    left[:, :64], right[15:45, 61:] = 1, 1
    with pytest.raises(UnclearMask, match="90 pixels have two classes"):
        merge([left, right], [1, 2])
    left[:, 63] = 0
    assert np.count_nonzero(merge([left, right], [1, 2]) == 2) == 30 * 19


def test_an_overlap_at_the_border_of_the_image_is_measured_likewise() -> None:
    top, whole = np.zeros((2, 60, 60), np.uint8)
    top[:2], whole[:] = 1, 1
    assert np.count_nonzero(merge([top, whole], [1, 2]) == 1) == 2 * 60
    top[2] = 1
    with pytest.raises(UnclearMask, match="180 pixels"):
        merge([top, whole], [1, 2])


def test_a_mask_that_would_vanish_under_another_is_refused() -> None:
    thin = np.zeros((20, 20), np.uint8)
    thin[5:7, 2:18] = 1
    with pytest.raises(UnclearMask, match="32 pixels have two classes"):
        merge([thin, thin], [1, 2])


def test_masks_of_different_sizes_are_refused() -> None:
    with pytest.raises(UnclearMask, match="differ in size: 4 x 3, 3 x 4"):
        merge([np.zeros((3, 4), np.uint8), np.zeros((4, 3), np.uint8)])


@pytest.mark.parametrize(
    ("mask", "count"),
    [
        pytest.param([[0, 0], [0, 0]], 0, id="nothing"),
        pytest.param([[1, 1], [1, 1]], 1, id="all"),
        pytest.param([[1, 0], [0, 1]], 1, id="corners touch"),
        pytest.param([[1, 0, 1], [0, 0, 0], [1, 0, 1]], 4, id="apart"),
        pytest.param([[1, 2, 0, 2]], 2, id="classes touch"),
        pytest.param([[0, 0, 0, 0], [0, 0, 3, 0], [0, 0, 0, 0], [0, 0, 0, 4]], 2, id="in a corner"),
    ],
)
def test_component_count(mask: list[list[int]], count: int) -> None:
    assert component_count(np.array(mask, np.uint8)) == count
