"""Masks from grey images and from discs."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from components.imaging.masks import UnclearMask, binary_mask, component_count, disc_mask

STEPS = np.array([[0, 127, 128, 255]], np.uint8)


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


@pytest.mark.parametrize(
    ("values", "expected"),
    [([0, 255], [0, 1]), ([0, 1], [0, 1]), ([7, 0], [1, 0]), ([0, 0], [0, 0]), ([255, 255], [1, 1])],
)
@pytest.mark.parametrize("channels", [1, 3])
def test_two_values_need_no_threshold(values: list[int], expected: list[int], channels: int) -> None:
    pixels = np.array([values], np.uint8)
    np.testing.assert_array_equal(binary_mask(gray_rgb(pixels) if channels == 3 else pixels, None), [expected])


def test_several_grey_values_need_a_threshold() -> None:
    with pytest.raises(UnclearMask, match=r"3 grey values \(0 to 200\).*set \[data\] mask_threshold"):
        binary_mask(np.array([[0, 100, 200]], np.uint8), None)


def test_grey_values_without_background_need_a_threshold() -> None:
    with pytest.raises(UnclearMask, match=r"2 grey values \(1 to 2\)"):
        binary_mask(np.array([[1, 2]], np.uint8), None)


@pytest.mark.parametrize("threshold", [None, 80])
def test_a_red_lesion_is_refused_not_erased(threshold: int | None) -> None:
    """Red is grey 76: a threshold of 80 on the grey image would leave an empty mask."""
    red = np.zeros((8, 8, 3), np.uint8)
    red[2:5, 2:5, 0] = 255
    with pytest.raises(UnclearMask, match="colours"):
        binary_mask(red, threshold)


def test_lossy_masks_need_a_threshold() -> None:
    pixels = np.array([[0, 255]], np.uint8)
    with pytest.raises(UnclearMask, match="JPEG"):
        binary_mask(pixels, None, lossy=True)
    np.testing.assert_array_equal(binary_mask(pixels, 128, lossy=True), [[0, 1]])


def test_threshold_undoes_jpeg() -> None:
    """Taking every non-zero pixel of a JPEG mask for foreground inflates the truth."""
    truth = disc_mask(128, 128, [(64, 64, 20)])
    _, jpg = cv2.imencode(".jpg", truth * 255, [cv2.IMWRITE_JPEG_QUALITY, 75])
    pixels = cv2.imdecode(jpg, cv2.IMREAD_UNCHANGED)
    assert np.count_nonzero(pixels) > 1.1 * truth.sum()
    assert binary_mask(pixels, 128, lossy=True).sum() == pytest.approx(truth.sum(), rel=0.01)


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


@pytest.mark.parametrize(("radius", "pixels"), [(0, 1), (1, 5), (2, 13), (3, 29), (4, 49), (5, 81), (10, 317)])
def test_disc_holds_the_lattice_points_of_its_circle(radius: int, pixels: int) -> None:
    """Gauss's circle problem: the number of integer pairs with x^2 + y^2 <= r^2 (OEIS A000328)."""
    assert disc_mask(32, 40, [(15, 20, radius)]).sum() == pixels


def test_discs_by_hand() -> None:
    mask = disc_mask(4, 7, [(0, 0, 2), (2.5, 5.5, 1)])
    assert mask.dtype == np.uint8
    np.testing.assert_array_equal(
        mask,
        [
            [1, 1, 1, 0, 0, 0, 0],
            [1, 1, 0, 0, 0, 0, 0],
            [1, 0, 0, 0, 0, 1, 1],
            [0, 0, 0, 0, 0, 1, 1],
        ],
    )


def test_overlapping_discs_are_a_union() -> None:
    # Two plus signs of 5 pixels with centres 2 apart share 1 pixel.
    assert disc_mask(9, 9, [(4, 3, 1), (4, 5, 1)]).sum() == 9


def test_no_disc_no_foreground() -> None:
    assert not disc_mask(4, 4, []).any()


@pytest.mark.parametrize(
    ("mask", "count"),
    [
        pytest.param([[0, 0], [0, 0]], 0, id="nothing"),
        pytest.param([[1, 1], [1, 1]], 1, id="all"),
        pytest.param([[1, 0], [0, 1]], 1, id="corners touch"),
        pytest.param([[1, 0, 1], [0, 0, 0], [1, 0, 1]], 4, id="apart"),
        pytest.param([[1, 2, 0, 2]], 2, id="classes touch"),
    ],
)
def test_component_count(mask: list[list[int]], count: int) -> None:
    assert component_count(np.array(mask, np.uint8)) == count
