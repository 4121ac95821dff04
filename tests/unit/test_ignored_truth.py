"""Truth with pixels that are not judged: by a level, a colour or a region, whatever stands under them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from raw_images import png, write

from components.imaging.files.codecs import Limits
from components.imaging.truth.classes import IGNORE, foreground, judged
from components.imaging.truth.mask_files import read_mask, read_region
from components.imaging.truth.masks import UnclearMask, component_count, merge
from components.imaging.truth.settings import Mask
from components.records.record import Record

CLASSES = ("tumour", "stroma")
TRUTH = np.array([[0, 1, 2, 1], [2, 1, 0, 0]], np.uint8)
IGNORED = np.array([[0, 0, 1, 1], [0, 0, 0, 1]], bool)
EXPECTED = np.where(IGNORED, np.uint8(IGNORE), TRUTH)
COLOURS = {"#0000ff": "ignore", "#000000": "background", "#ff0000": "tumour", "#00ff00": "stroma"}
RGB = np.array([[0, 0, 0], [255, 0, 0], [0, 255, 0], [0, 0, 255]], np.uint8)
LIMIT = Limits(10_000)


def read(folder: Path, pixels: np.ndarray, region: np.ndarray | None = None, **mask: Any) -> np.ndarray:
    return read_mask(write(folder / "m.png", png(pixels)), Mask(**mask), CLASSES, LIMIT, region).classes


def test_a_level_of_indices(tmp_path: Path) -> None:
    np.testing.assert_array_equal(read(tmp_path, EXPECTED, form="indices", ignore=255), EXPECTED)
    # As in BCSS: code 0 is outside of the region of interest.
    np.testing.assert_array_equal(
        read(tmp_path, TRUTH, form="indices", ignore=0), np.where(TRUTH == 0, np.uint8(IGNORE), TRUTH)
    )
    with pytest.raises(UnclearMask, match=r"0, 1, 2, 255, expected .* set \[data.mask\] ignore = 255 for that"):
        read(tmp_path, EXPECTED, form="indices")


def test_a_level_of_a_binary_mask(tmp_path: Path) -> None:
    pixels = np.where(IGNORED, np.uint8(128), 255 * (TRUTH > 0)).astype(np.uint8)
    expected = np.where(IGNORED, np.uint8(IGNORE), TRUTH > 0)
    np.testing.assert_array_equal(read(tmp_path, pixels, ignore=128), expected)
    np.testing.assert_array_equal(read(tmp_path, pixels, ignore=128, threshold=100), expected)
    with pytest.raises(UnclearMask, match="3 grey values"):
        read(tmp_path, pixels)


def test_a_colour(tmp_path: Path) -> None:
    pixels = RGB[np.where(IGNORED, 3, TRUTH)]
    np.testing.assert_array_equal(read(tmp_path, pixels, form="colours", colours=COLOURS), EXPECTED)


def test_a_jpeg_has_no_level_to_ignore(tmp_path: Path) -> None:
    path = write(tmp_path / "m.jpg", cv2.imencode(".jpg", 255 * (TRUTH > 0).astype(np.uint8))[1].tobytes())
    with pytest.raises(UnclearMask, match=r"no exact values for \[data.mask\] ignore = 128: use PNG"):
        read_mask(path, Mask(threshold=100, ignore=128), CLASSES, LIMIT)


@pytest.mark.parametrize(
    ("made", "mask"),
    [
        (lambda classes: 255 * (classes > 0).astype(np.uint8), {}),
        (lambda classes: classes, {"form": "indices"}),
        (lambda classes: RGB[classes], {"form": "colours", "colours": COLOURS}),
    ],
    ids=["binary", "indices", "colours"],
)
def test_outside_of_a_region_nothing_counts_whatever_stands_there(made: Any, mask: dict, tmp_path: Path) -> None:
    pixels = made(TRUTH).copy()
    inside = read(tmp_path, pixels, ~IGNORED, **mask)
    np.testing.assert_array_equal(inside == IGNORE, IGNORED)
    np.testing.assert_array_equal(inside[~IGNORED], read(tmp_path, pixels, **mask)[~IGNORED])
    # Values that would be a reject anywhere else.
    pixels[IGNORED] = 77
    np.testing.assert_array_equal(read(tmp_path, pixels, ~IGNORED, **mask), inside)


def test_a_gray_file_of_colours_within_a_region(tmp_path: Path) -> None:
    """The first colour of the table, with which the outside is filled, is no gray."""
    colours = {"#ff0000": "tumour", "#000000": "background"}
    found = read(tmp_path, np.zeros_like(TRUTH), ~IGNORED, form="colours", colours=colours)
    np.testing.assert_array_equal(found, np.where(IGNORED, np.uint8(IGNORE), 0))


def test_one_hot_within_a_region(tmp_path: Path) -> None:
    one_hot = np.eye(3, dtype=np.uint8)[TRUTH]
    one_hot[IGNORED] = 5
    np.savez(tmp_path / "m.npz", mask=one_hot)
    reading = read_mask(tmp_path / "m.npz", Mask(form="one_hot"), CLASSES, LIMIT, ~IGNORED)
    np.testing.assert_array_equal(reading.classes, EXPECTED)


def test_the_inflation_of_a_jpeg_mask_is_that_within_its_region(tmp_path: Path) -> None:
    truth = np.zeros((64, 64), np.uint8)
    truth[8:24, 8:24] = 255
    other = truth.copy()
    other[:, 40:] = np.random.default_rng(0).integers(0, 255, (64, 24))
    region = np.zeros((64, 64), bool)
    region[:, :32] = True
    found = []
    for number, pixels in enumerate((truth, other)):
        path = write(tmp_path / f"{number}.jpg", cv2.imencode(".jpg", pixels)[1].tobytes())
        found.append(read_mask(path, Mask(threshold=1), (), LIMIT, region))
    assert found[0].inflation == found[1].inflation
    np.testing.assert_array_equal(found[0].classes, found[1].classes)


def test_a_region_of_another_size_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnclearMask, match="it is 4 x 2 pixels, its region 4 x 3"):
        read(tmp_path, TRUTH, np.ones((3, 4), bool), form="indices")


@pytest.mark.parametrize("threshold", ["otsu", "triangle"])
def test_a_threshold_that_is_found_in_all_pixels_is_none_of_a_region(threshold: str, tmp_path: Path) -> None:
    with pytest.raises(UnclearMask, match="looks at all pixels, also at those outside of its region: give a number"):
        read(tmp_path, TRUTH, ~IGNORED, threshold=threshold)


@pytest.mark.parametrize("colour", [(255, 0, 0), (0, 0, 1)])
def test_a_region_in_any_colour_is_one(colour: tuple[int, int, int], tmp_path: Path) -> None:
    pixels = np.zeros((4, 4, 3), np.uint8)
    pixels[1:3, 1:3] = colour
    np.testing.assert_array_equal(read_region(write(tmp_path / "r.png", png(pixels)), LIMIT)[0], pixels.any(axis=-1))


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_a_region_is_what_is_not_black(suffix: str, tmp_path: Path) -> None:
    region = np.zeros((32, 48), np.uint8)
    region[8:24, 16:40] = 255
    path = write(tmp_path / f"r{suffix}", cv2.imencode(suffix, region)[1].tobytes())
    np.testing.assert_array_equal(read_region(path, LIMIT)[0], region > 0)


def test_what_one_of_several_masks_ignores_is_ignored() -> None:
    one = np.array([[1, 0, IGNORE, IGNORE]], np.uint8)
    other = np.array([[0, 1, 1, 0]], np.uint8)
    np.testing.assert_array_equal(merge([one, other], (1, 2)), [[1, 2, IGNORE, IGNORE]])
    np.testing.assert_array_equal(merge([one, other]), [[1, 1, IGNORE, IGNORE]])
    np.testing.assert_array_equal(merge([one], (2,)), [[2, 0, IGNORE, IGNORE]])


def test_ignored_pixels_are_neither_foreground_nor_a_lesion() -> None:
    mask = np.zeros((10, 10), np.uint8)
    mask[:5] = IGNORE
    mask[7, 2:4], mask[9, 9] = 2, 1
    record = Record(np.zeros_like(mask), mask, "a", "a", "a.png", b"", {})
    assert record.foreground == pytest.approx(3 / 50)
    assert record.classes == (0, 1, 2, IGNORE)
    assert component_count(mask) == 2
    assert np.count_nonzero(foreground(mask)) == 3
    assert np.count_nonzero(judged(mask)) == 50
    assert Record(mask, np.full_like(mask, IGNORE), "a", "a", "a.png", b"", {}).foreground == 0
