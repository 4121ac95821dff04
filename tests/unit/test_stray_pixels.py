"""A few pixels of no colour or value that is expected: how many there may be, what they count as, and what is said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from raw_images import png, write

from components.imaging.files.codecs import LIMITS
from components.imaging.truth.mask_colours import colour_mask
from components.imaging.truth.mask_files import read_mask
from components.imaging.truth.mask_forms import index_mask
from components.imaging.truth.masks import UnclearMask, two_values
from components.imaging.truth.reading import MaskReading
from components.imaging.truth.settings import Mask

CLASSES = ("mass", "muscle")
SIDE = 40
"""Of masks of 1600 pixels: one of them is 0.0625 %, two are more than a thousandth."""
COLOURS = {"#000000": "background", "#00ff00": "mass", "#ff0000": "muscle"}
FORMS: dict[str, tuple[dict[str, Any], Any, Any]] = {
    "levels": ({"form": "levels", "levels": {"0": "background", "128": "mass", "255": "muscle"}}, 128, 90),
    "indices": ({"form": "indices"}, 1, 9),
    "binary": ({}, 128, 90),
    "colours": ({"form": "colours", "colours": COLOURS}, (0, 255, 0), (60, 180, 60)),
}
"""Settings, what a pixel of class 1 has, and what a stray one has, that is nearest to it."""


def mask_of(form: str, stray: int) -> np.ndarray:
    """A square of class 1, and stray pixels in its first row."""
    _, foreground, other = FORMS[form]
    pixels = np.zeros((SIDE, SIDE, *np.shape(foreground)), np.uint8)
    pixels[10:30, 10:30] = foreground
    pixels[10, 10 : 10 + stray] = other
    return pixels


def read(folder: Path, form: str, pixels: np.ndarray, **keys: Any) -> MaskReading:
    settings = Mask(**(FORMS[form][0] | keys))
    return read_mask(write(folder / "m.png", png(pixels)), settings, () if form == "binary" else CLASSES, LIMITS)


@pytest.mark.parametrize("form", FORMS)
def test_one_stray_pixel_counts_as_the_nearest_and_is_told(form: str, tmp_path: Path) -> None:
    reading = read(tmp_path, form, mask_of(form, 1))
    expected = np.zeros((SIDE, SIDE), np.uint8)
    expected[10:30, 10:30] = 1
    expected[10, 10] = 0 if form == "indices" else 1
    np.testing.assert_array_equal(reading.classes, expected)
    assert reading.stray == pytest.approx(1 / 1600)
    assert read(tmp_path, form, mask_of(form, 0)).stray == 0


@pytest.mark.parametrize("form", FORMS)
def test_more_are_refused_with_their_share_and_the_first(form: str, tmp_path: Path) -> None:
    share = r"2 pixels .*0\.125% of the mask, where \[data\.mask\] max_stray allows 0\.1%.* row 10, column 10"
    with pytest.raises(UnclearMask, match=share):
        read(tmp_path, form, mask_of(form, 2))
    assert read(tmp_path, form, mask_of(form, 2), max_stray=0.01).stray == pytest.approx(2 / 1600)
    with pytest.raises(UnclearMask, match=r"1 pixels .*max_stray allows 0%"):
        read(tmp_path, form, mask_of(form, 1), max_stray=0.0)


def test_two_values_are_0_and_the_most_frequent_other() -> None:
    """Of 0 and 100, 50 lies in the middle and is background; 51 and 255 are foreground."""
    grey = np.array([[0] * 10, [100] * 6 + [50, 51, 255, 3]], np.uint8)
    settled, stray = two_values(grey, 0.2)
    np.testing.assert_array_equal(settled, [[0] * 10, [100] * 6 + [0, 100, 100, 0]])
    assert stray == pytest.approx(4 / 20)
    np.testing.assert_array_equal(two_values(np.dstack([grey] * 3).astype(np.uint16), 0.2).mask, settled)


def test_where_0_is_as_rare_as_stray_pixels_the_background_is_not_known() -> None:
    """1 and 2 with a speck of 0: to call all that is not 0 foreground would turn the truth upside down."""
    grey = np.ones((40, 40), np.uint8)
    grey[0, 0], grey[0, 1] = 0, 2
    with pytest.raises(UnclearMask, match=r"3 grey values \(0 to 2\)"):
        two_values(grey, 0.001)


def test_greater_indices_alone_are_no_stray_pixels() -> None:
    """A small lesion of 255 would be lost as background."""
    indices = np.zeros((100, 100), np.uint8)
    indices[3, 4:7] = 255
    with pytest.raises(UnclearMask, match=r"3 pixels are above, 0.03% .* and there are none.*binary"):
        index_mask(indices, 2, 0.001)
    indices[50, 50] = 1
    assert index_mask(indices, 2, 0.001).stray == pytest.approx(3e-4)


def test_a_speck_far_from_the_colours() -> None:
    pixels = np.zeros((10, 10, 3), np.uint8)
    pixels[4, 4] = (0, 90, 0)
    assert colour_mask(pixels, {0x000000: 0, 0x00FF00: 1}, 60, 0.01) == (pytest.approx(np.zeros((10, 10))), 0.01)
