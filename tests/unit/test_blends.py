"""JPEG masks of colours: their edges are mixed of two, and are read by the true colours as they stand in a legend."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from components.imaging.files.codecs import LIMITS
from components.imaging.truth.blends import are_blends
from components.imaging.truth.mask_colours import colour_mask
from components.imaging.truth.mask_files import read_mask
from components.imaging.truth.masks import UnclearMask
from components.imaging.truth.settings import Mask

BLACK, GREEN, RED, WHITE, BLUE = (0, 0, 0), (0, 255, 0), (255, 0, 0), (255, 255, 255), (0, 0, 255)


def legend(*colours: tuple[int, int, int]) -> dict[int, int]:
    return {red << 16 | green << 8 | blue: index for index, (red, green, blue) in enumerate(colours)}


@pytest.mark.parametrize(
    ("colour", "expected"),
    [
        ((0, 128, 0), True),
        ((75, 202, 75), True),  # the lightness of green, half of its colour: beside a sharp edge
        ((0, 52, 0), True),  # that of black
        ((150, 150, 150), False),  # the lightness of green, without colour
        (WHITE, False),
        (BLUE, False),
        ((128, 128, 0), False),
    ],
)
def test_what_lies_between_black_and_green(colour: tuple[int, int, int], expected: bool) -> None:
    assert are_blends(np.array([colour]), np.array([BLACK, GREEN]), 60)[0] == expected


def test_two_greys_and_two_colours_of_one_lightness() -> None:
    greys = np.array([(128, 128, 128), (128, 60, 128)])
    np.testing.assert_array_equal(are_blends(greys, np.array([BLACK, WHITE]), 20), [True, False])
    # Lightness 0.299 x 100 = 0.587 x 51 = 30.
    alike = np.array([(50, 25, 0), (50, 25, 90)])
    np.testing.assert_array_equal(are_blends(alike, np.array([(100, 0, 0), (0, 51, 0)]), 20), [True, False])


@pytest.mark.parametrize("quality", [50, 75, 95])
@pytest.mark.parametrize("blur", [0, 2])
@pytest.mark.parametrize("colours", [(BLACK, GREEN), (BLACK, RED), (WHITE, GREEN), (BLACK, GREEN, RED, BLUE)], ids=str)
def test_edges_of_a_jpeg_are_no_stray_pixels(quality: int, blur: int, colours: tuple) -> None:
    truth = np.zeros((160, 160), np.uint8)
    for number, centre in enumerate([(40, 40), (110, 50), (70, 115)]):
        cv2.circle(truth, centre, 24, 1 + number % (len(colours) - 1), -1)
    drawn = np.array(colours, np.uint8)[truth]
    drawn = cv2.GaussianBlur(drawn, (0, 0), blur) if blur else drawn
    _, jpg = cv2.imencode(".jpg", drawn[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    pixels = cv2.cvtColor(cv2.imdecode(jpg, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
    mask, stray = colour_mask(pixels, legend(*colours), 60, 0.001, lossy=True)
    assert stray < 5e-4
    assert (mask != truth).mean() < 0.012
    with pytest.raises(UnclearMask):
        colour_mask(pixels, legend(*colours), 60, 0.001)


def test_a_colour_that_no_legend_names_is_refused_in_a_jpeg_too() -> None:
    pixels = np.zeros((64, 64, 3), np.uint8)
    pixels[8:30, 8:30], pixels[40:50, 40:50] = GREEN, BLUE
    _, jpg = cv2.imencode(".jpg", pixels[..., ::-1])
    found = cv2.cvtColor(cv2.imdecode(jpg, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
    with pytest.raises(UnclearMask, match="pixels are farther than 60 from all"):
        colour_mask(found, legend(BLACK, GREEN), 60, 0.001, lossy=True)


@pytest.mark.parametrize(("colour", "name"), [(GREEN, "#00ff00"), (RED, "#ff0000")])
def test_a_large_jpeg_of_one_colour_on_black(tmp_path: Path, colour: tuple[int, int, int], name: str) -> None:
    """As such masks are published: 2048 x 1536, blurred, the edge where half of the colour is left."""
    soft = cv2.GaussianBlur(
        cv2.ellipse(np.zeros((1536, 2048), np.uint8), (900, 700), (310, 190), 20, 0, 360, 255, -1), (0, 0), 3
    )
    drawn = (soft[..., None] * (np.array(colour) > 0)).astype(np.uint8)
    path = tmp_path / "m.jpg"
    assert cv2.imwrite(str(path), drawn[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 85])
    reading = read_mask(path, Mask(form="colours", colours={"#000000": "background", name: "foreground"}), (), LIMITS)
    assert reading.stray == 0
    assert reading.classes.sum() == pytest.approx((soft >= 128).sum(), rel=0.003)
    assert reading.inflation == 1
