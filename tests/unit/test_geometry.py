"""Placements: where things go, and that image and mask go there together."""

from __future__ import annotations

import json
import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import center_of_mass

from components.imaging.geometry.placement import FITS, Placement, crop, letterbox, stretch

SIZES = [
    pytest.param(letterbox(100, 200, 64, 64), id="landscape"),
    pytest.param(letterbox(211, 97, 64, 64), id="portrait"),
    pytest.param(letterbox(100, 130, 48, 80), id="into landscape"),
    pytest.param(letterbox(100, 100, 96, 64), id="into portrait"),
    pytest.param(letterbox(40, 61, 128, 128), id="enlarged"),
    pytest.param(letterbox(64, 64, 64, 64), id="as it is"),
]
ANY = [
    *SIZES,
    pytest.param(stretch(100, 200, 64, 64), id="stretch, both shrink"),
    pytest.param(stretch(40, 211, 128, 64), id="stretch, one grows"),
    pytest.param(stretch(40, 61, 128, 64), id="stretch, both grow"),
    pytest.param(crop(100, 131, 64, 80), id="crop"),
    pytest.param(crop(40, 131, 64, 80), id="crop, padded above and below"),
    pytest.param(crop(40, 61, 64, 80), id="crop, padded all round"),
    pytest.param(Placement(60, 70, 128, 192, -10, -80, 96, 96), id="window of an enlarged image"),
]
LENGTHS = st.integers(1, 5000)


@st.composite
def placements(draw: st.DrawFn, lengths: st.SearchStrategy[int] = LENGTHS) -> Placement:
    sizes = [draw(lengths) for _ in range(6)]
    top = draw(st.integers(1 - sizes[2], sizes[4] - 1))
    left = draw(st.integers(1 - sizes[3], sizes[5] - 1))
    return Placement(*sizes[:4], top, left, *sizes[4:])


def disc(height: int, width: int, row: float, column: float, radius: float) -> np.ndarray:
    rows, columns = np.ogrid[:height, :width]
    return ((rows - row) ** 2 + (columns - column) ** 2 <= radius**2).astype(np.uint8)


def off_centre_disc(height: int, width: int) -> np.ndarray:
    return disc(height, width, 0.4 * height, 0.65 * width, 0.2 * min(height, width))


def random_classes(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).choice(np.array([0, 1, 2, 5, 200], np.uint8), (height, width))


def content(box: Placement) -> tuple[int, int, int, int]:
    return box.top, box.left, box.content_height, box.content_width


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        # scale = min(height / source height, width / source width), the rest is halved
        pytest.param((100, 200, 64, 64), (16, 0, 32, 64), id="landscape"),
        pytest.param((200, 100, 64, 64), (0, 16, 64, 32), id="portrait"),
        pytest.param((64, 64, 64, 64), (0, 0, 64, 64), id="equal"),
        pytest.param((1, 1, 64, 64), (0, 0, 64, 64), id="tiny"),
        pytest.param((16, 32, 64, 64), (16, 0, 32, 64), id="enlarged"),
        pytest.param((100, 100, 32, 64), (0, 16, 32, 32), id="into landscape"),
        pytest.param((300, 200, 100, 100), (0, 16, 100, 67), id="66.7 columns"),
        pytest.param((1, 1000, 64, 64), (31, 0, 1, 64), id="never thinner than a pixel"),
    ],
)
def test_letterbox_content(sizes: tuple[int, int, int, int], expected: tuple[int, int, int, int]) -> None:
    assert content(letterbox(*sizes)) == expected


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        # the centre of what is larger, black around what is smaller
        pytest.param((100, 200, 64, 64), (-18, -68, 100, 200), id="both larger"),
        pytest.param((65, 67, 64, 64), (-1, -2, 65, 67), id="odd"),
        pytest.param((20, 200, 64, 64), (22, -68, 20, 200), id="one larger"),
        pytest.param((20, 31, 64, 64), (22, 16, 20, 31), id="both smaller"),
        pytest.param((64, 64, 64, 64), (0, 0, 64, 64), id="equal"),
    ],
)
def test_crop_content(sizes: tuple[int, int, int, int], expected: tuple[int, int, int, int]) -> None:
    assert content(crop(*sizes)) == expected


@given(LENGTHS, LENGTHS, LENGTHS, LENGTHS)
def test_stretch_fills_the_record(source_height: int, source_width: int, height: int, width: int) -> None:
    box = stretch(source_height, source_width, height, width)
    assert (box.source_height, box.source_width) == (source_height, source_width)
    assert content(box) == (0, 0, box.height, box.width) == (0, 0, height, width)
    # The outer edges of the corner pixels fall on those of the source.
    rows, columns = box.to_source(np.array([-0.5, height - 0.5]), np.array([-0.5, width - 0.5]))
    np.testing.assert_allclose(rows, [-0.5, source_height - 0.5], atol=1e-9)
    np.testing.assert_allclose(columns, [-0.5, source_width - 0.5], atol=1e-9)


def test_the_setting_names_the_fit() -> None:
    assert dict(FITS) == {"letterbox": letterbox, "stretch": stretch, "crop": crop}


@pytest.mark.parametrize("box", SIZES)
def test_aspect_is_kept_and_the_border_is_black(box: Placement) -> None:
    top, left, height, width = content(box)
    scale = min(box.height / box.source_height, box.width / box.source_width)
    assert abs(height - scale * box.source_height) <= 0.5
    assert abs(width - scale * box.source_width) <= 0.5
    filled = box.image(np.full((box.source_height, box.source_width), 9, np.uint8))
    expected = np.zeros((box.height, box.width), np.uint8)
    expected[top : top + height, left : left + width] = 9
    np.testing.assert_array_equal(filled, expected)


@pytest.mark.parametrize("box", ANY)
def test_a_disc_keeps_its_place(box: Placement) -> None:
    mask = off_centre_disc(box.source_height, box.source_width)
    image = mask.astype(np.uint16) * 4000
    pixel = max(1, box.source_height / box.content_height, box.source_width / box.content_width)
    source = np.array(center_of_mass(mask))
    record = box.to_record(*source)
    for placed in (box.image(image), box.mask(mask)):
        found = np.array(center_of_mass(placed))
        np.testing.assert_allclose(box.to_source(*found), source, atol=0.25 * pixel)
        np.testing.assert_allclose(found, record, atol=0.25 * max(1, box.content_height / box.source_height))


@pytest.mark.parametrize("box", ANY)
def test_image_and_mask_stay_registered(box: Placement) -> None:
    mask = off_centre_disc(box.source_height, box.source_width)
    image, placed = box.image(mask * 200), box.mask(mask)
    assert math.dist(center_of_mass(image), center_of_mass(placed)) < 0.25
    # Where the image is surely inside or outside the disc, the mask must say the same.
    assert placed[image == 200].all()
    assert not placed[image == 0].any()


@pytest.mark.parametrize("box", ANY)
def test_mask_takes_the_pixel_whose_area_holds_the_centre(box: Placement) -> None:
    classes = random_classes(box.source_height, box.source_width)
    placed = box.mask(classes)
    assert placed.dtype == np.uint8
    np.testing.assert_array_equal(placed, nearest(classes, box))


@given(placements(st.integers(1, 60)))
def test_any_mask_takes_the_pixel_whose_area_holds_the_centre(box: Placement) -> None:
    classes = random_classes(box.source_height, box.source_width) | 1
    np.testing.assert_array_equal(box.mask(classes), nearest(classes, box))


def nearest(classes: np.ndarray, box: Placement) -> np.ndarray:
    """The class under each pixel centre of the record, one by one; ties go down and to the right."""
    expected = np.zeros((box.height, box.width), classes.dtype)
    for row, column in np.ndindex(*expected.shape):
        inside = 0 <= row - box.top < box.content_height and 0 <= column - box.left < box.content_width
        if inside:
            expected[row, column] = classes[
                (2 * (row - box.top) + 1) * box.source_height // (2 * box.content_height),
                (2 * (column - box.left) + 1) * box.source_width // (2 * box.content_width),
            ]
    return expected


@pytest.mark.parametrize(("source", "size"), [(5000, 4999), (32767, 20000), (40000, 512), (70000, 69999)])
def test_long_masks_are_exact_too(source: int, size: int) -> None:
    """Where OpenCV's exact nearest neighbour is off by one, or counts beyond its numbers and takes any pixel."""
    classes = np.random.default_rng(0).integers(0, 256, (1, source), np.uint8)
    centres = [(2 * column + 1) * source // (2 * size) for column in range(size)]
    np.testing.assert_array_equal(stretch(1, source, 1, size).mask(classes), classes[:, centres])


def test_shrinking_averages_areas() -> None:
    """Linear interpolation would look at the middle of each 4 x 4 block only and lose small calcifications."""
    pixels = np.zeros((4, 8), np.uint8)
    pixels[0, 0], pixels[3, 4:] = 160, 40
    # 160 / 16 and 4 x 40 / 16
    np.testing.assert_array_equal(letterbox(4, 8, 1, 2).image(pixels), [[10, 10]])


def test_growing_is_linear_between_pixel_centres() -> None:
    # Centres fall on source columns -0.25, 0.25, 0.75 and 1.25; outside the outer centres the edge goes on.
    pixels = np.array([[0, 40000]], np.uint16)
    np.testing.assert_array_equal(letterbox(1, 2, 2, 4).image(pixels), [[0, 10000, 30000, 40000]] * 2)


def test_an_axis_that_shrinks_is_averaged_while_the_other_grows() -> None:
    pixels = np.array([[0, 0, 0, 160, 40, 40, 40, 40]], np.uint8)
    np.testing.assert_array_equal(stretch(1, 8, 3, 2).image(pixels), [[40, 40]] * 3)
    # and then linear: centres fall on source rows -1/6, 1/2 and 7/6
    pixels = np.array([[0, 60, 0, 60], [90, 90, 90, 90]], np.uint8)
    np.testing.assert_array_equal(stretch(2, 4, 3, 2).image(pixels), [[30, 30], [60, 60], [90, 90]])


@pytest.mark.parametrize("shape", [(40000, 3), (3, 40000)])
def test_long_images_are_averaged_too(shape: tuple[int, int]) -> None:
    pixels = np.random.default_rng(0).integers(0, 65536, shape, np.uint16)
    rows, columns = (100 if length > 100 else length for length in shape)
    expected = pixels.reshape(rows, shape[0] // rows, columns, shape[1] // columns).mean((1, 3))
    np.testing.assert_allclose(stretch(*shape, rows, columns).image(pixels), expected, atol=1)


def test_what_needs_no_scaling_is_not_copied() -> None:
    pixels = np.random.default_rng(0).integers(0, 65536, (50, 70), np.uint16)
    for box in (letterbox(50, 70, 50, 70), stretch(50, 70, 50, 70), crop(50, 70, 32, 48)):
        assert box.scaled(pixels) is pixels
        assert box.scaled_mask(pixels) is pixels
        assert np.shares_memory(box.image(pixels), pixels)


def test_scaling_comes_before_placing() -> None:
    """Values changed in between leave the border black."""
    pixels = np.random.default_rng(0).integers(0, 256, (50, 70), np.uint8)
    box = letterbox(50, 70, 32, 32)
    inverted = box.placed(255 - box.scaled(pixels))
    np.testing.assert_array_equal(inverted[box.top : box.top + 23], 255 - box.image(pixels)[box.top : box.top + 23])
    assert not inverted[: box.top].any()
    assert not inverted[box.top + 23 :].any()


def test_a_crop_is_the_centre_as_it_is() -> None:
    pixels = np.random.default_rng(0).integers(1, 256, (9, 4), np.uint8)
    expected = np.zeros((5, 6), np.uint8)
    expected[:, 1:5] = pixels[2:7]
    np.testing.assert_array_equal(crop(9, 4, 5, 6).image(pixels), expected)
    np.testing.assert_array_equal(crop(9, 4, 5, 6).mask(pixels), expected)


def test_sixteen_bits_stay_sixteen_bits() -> None:
    pixels = np.random.default_rng(0).integers(0, 65536, (64, 64), np.uint16)
    np.testing.assert_array_equal(letterbox(64, 64, 64, 64).image(pixels), pixels)
    np.testing.assert_allclose(
        letterbox(64, 64, 32, 32).image(pixels), pixels.reshape(32, 2, 32, 2).mean((1, 3)), atol=1
    )


@pytest.mark.parametrize("fit", FITS.values())
def test_channels_are_treated_alike(fit: Callable[[int, int, int, int], Placement]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (50, 70, 3), np.uint8)
    box = fit(50, 70, 64, 32)
    np.testing.assert_array_equal(box.image(pixels[..., :1]), box.image(pixels[..., 0])[..., None])
    np.testing.assert_array_equal(box.image(pixels), np.dstack([box.image(pixels[..., c]) for c in range(3)]))


def test_to_source_by_hand() -> None:
    # 100 x 200 fits 64 x 64 as 32 rows from row 16 on. Its first pixel covers 100 / 32 = 3.125 source pixels,
    # from -0.5 to 2.625, with its centre at 1.0625; its last one has its centre at 99.5 - 1.5625 = 97.9375.
    rows, columns = letterbox(100, 200, 64, 64).to_source(np.array([16, 47]), np.array([0, 63]))
    np.testing.assert_allclose(rows, [1.0625, 97.9375])
    np.testing.assert_allclose(columns, [1.0625, 197.9375])


@given(placements())
def test_json_gives_the_placement_back(box: Placement) -> None:
    step = json.loads(json.dumps(box.as_json()))
    assert step["kind"] == "placement"
    assert Placement.from_json(step) == box


COORDINATES = st.floats(-100, 6000)


@given(placements(), COORDINATES, COORDINATES)
def test_points_go_there_and_come_back(box: Placement, row: float, column: float) -> None:
    at_source, at_record = pixels_across(box)
    there = box.to_source(*box.to_record(row, column))
    np.testing.assert_allclose(there, (row, column), rtol=1e-9, atol=1e-9 * at_source)
    back = box.to_record(*box.to_source(row, column))
    np.testing.assert_allclose(back, (row, column), rtol=1e-9, atol=1e-9 * at_record)


def pixels_across(box: Placement) -> tuple[float, float]:
    """Of the larger pixel, the record's or the source's, the size in pixels of the source and of the record."""
    down, across = box.source_height / box.content_height, box.source_width / box.content_width
    return max(1, down, across), max(1, 1 / down, 1 / across)


@pytest.mark.parametrize(
    ("source", "content"), [(100, 128), (9000, 9216), (20001, 20480), (30000, 30208), (40000, 40960)]
)
def test_classes_that_were_stretched_come_back_exactly(source: int, content: int) -> None:
    """As of tiles that fill the next size; OpenCV's exact nearest neighbour errs from some thousand pixels on."""
    mask = np.random.default_rng(0).integers(0, 4, (2, source), np.uint8)
    place = Placement(2, source, 2, content, 0, 0, 2, content)
    np.testing.assert_array_equal(place.unplaced_mask(place.mask(mask)), mask)
