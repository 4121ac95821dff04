"""Letterbox and affine maps: where things go, and that image and mask go there together."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.ndimage import center_of_mass

from components.imaging.geometry import Affine, Letterbox

SIZES = [
    pytest.param(Letterbox(100, 200, 64, 64), id="landscape"),
    pytest.param(Letterbox(211, 97, 64, 64), id="portrait"),
    pytest.param(Letterbox(100, 130, 48, 80), id="into landscape"),
    pytest.param(Letterbox(100, 100, 96, 64), id="into portrait"),
    pytest.param(Letterbox(40, 61, 128, 128), id="enlarged"),
    pytest.param(Letterbox(64, 64, 64, 64), id="as it is"),
]


def disc(height: int, width: int, row: float, column: float, radius: float) -> np.ndarray:
    rows, columns = np.ogrid[:height, :width]
    return ((rows - row) ** 2 + (columns - column) ** 2 <= radius**2).astype(np.uint8)


def off_centre_disc(height: int, width: int) -> np.ndarray:
    return disc(height, width, 0.4 * height, 0.65 * width, 0.2 * min(height, width))


def random_classes(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).choice(np.array([0, 1, 2, 5, 200], np.uint8), (height, width))


@pytest.mark.parametrize(
    ("sizes", "content"),
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
def test_content(sizes: tuple[int, int, int, int], content: tuple[int, int, int, int]) -> None:
    assert Letterbox(*sizes).content == content


@pytest.mark.parametrize("box", SIZES)
def test_aspect_is_kept_and_the_border_is_black(box: Letterbox) -> None:
    top, left, height, width = box.content
    scale = min(box.height / box.source_height, box.width / box.source_width)
    assert abs(height - scale * box.source_height) <= 0.5
    assert abs(width - scale * box.source_width) <= 0.5
    filled = box.image(np.full((box.source_height, box.source_width), 9, np.uint8))
    expected = np.zeros((box.height, box.width), np.uint8)
    expected[top : top + height, left : left + width] = 9
    np.testing.assert_array_equal(filled, expected)


@pytest.mark.parametrize("box", SIZES)
def test_a_disc_keeps_its_place(box: Letterbox) -> None:
    mask = off_centre_disc(box.source_height, box.source_width)
    image = mask.astype(np.uint16) * 4000
    pixel = box.source_height / box.content[2]
    source = center_of_mass(mask)
    for placed in (box.image(image), box.mask(mask)):
        row, column = center_of_mass(placed)
        np.testing.assert_allclose(box.to_source(row, column), source, atol=0.25 * max(1, pixel))


@pytest.mark.parametrize("box", SIZES)
def test_image_and_mask_stay_registered(box: Letterbox) -> None:
    mask = off_centre_disc(box.source_height, box.source_width)
    image, placed = box.image(mask * 200), box.mask(mask)
    assert math.dist(center_of_mass(image), center_of_mass(placed)) < 0.25
    # Where the image is surely inside or outside the disc, the mask must say the same.
    assert placed[image == 200].all()
    assert not placed[image == 0].any()


@pytest.mark.parametrize("box", SIZES)
def test_mask_takes_the_pixel_whose_area_holds_the_centre(box: Letterbox) -> None:
    classes = random_classes(box.source_height, box.source_width)
    top, left, height, width = box.content
    rows = np.floor((np.arange(height) + 0.5) * box.source_height / height).astype(int)
    columns = np.floor((np.arange(width) + 0.5) * box.source_width / width).astype(int)
    placed = box.mask(classes)
    assert placed.dtype == np.uint8
    np.testing.assert_array_equal(placed[top : top + height, left : left + width], classes[np.ix_(rows, columns)])


def test_shrinking_averages_areas() -> None:
    """Linear interpolation would look at the middle of each 4 x 4 block only and lose small calcifications."""
    pixels = np.zeros((4, 8), np.uint8)
    pixels[0, 0], pixels[3, 4:] = 160, 40
    # 160 / 16 and 4 x 40 / 16
    np.testing.assert_array_equal(Letterbox(4, 8, 1, 2).image(pixels), [[10, 10]])


def test_growing_is_linear_between_pixel_centres() -> None:
    # Centres fall on source columns -0.25, 0.25, 0.75 and 1.25; outside the outer centres the edge goes on.
    pixels = np.array([[0, 40000]], np.uint16)
    np.testing.assert_array_equal(Letterbox(1, 2, 2, 4).image(pixels), [[0, 10000, 30000, 40000]] * 2)


def test_sixteen_bits_stay_sixteen_bits() -> None:
    pixels = np.random.default_rng(0).integers(0, 65536, (64, 64), np.uint16)
    np.testing.assert_array_equal(Letterbox(64, 64, 64, 64).image(pixels), pixels)
    np.testing.assert_allclose(
        Letterbox(64, 64, 32, 32).image(pixels), pixels.reshape(32, 2, 32, 2).mean((1, 3)), atol=1
    )


def test_channels_are_treated_alike() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (50, 70, 3), np.uint8)
    box = Letterbox(50, 70, 32, 32)
    np.testing.assert_array_equal(box.image(pixels), np.dstack([box.image(pixels[..., c]) for c in range(3)]))


def test_to_source_by_hand() -> None:
    # 100 x 200 fits 64 x 64 as 32 rows from row 16 on. Its first pixel covers 100 / 32 = 3.125 source pixels,
    # from -0.5 to 2.625, with its centre at 1.0625; its last one has its centre at 99.5 - 1.5625 = 97.9375.
    rows, columns = Letterbox(100, 200, 64, 64).to_source(np.array([16, 47]), np.array([0, 63]))
    np.testing.assert_allclose(rows, [1.0625, 97.9375])
    np.testing.assert_allclose(columns, [1.0625, 197.9375])


def test_json_gives_the_letterbox_back() -> None:
    box = Letterbox(100, 200, 64, 32)
    fields = box.as_json()
    assert fields.pop("kind") == "letterbox"
    assert Letterbox(**fields) == box


@pytest.mark.parametrize("shape", [(6, 6), (7, 7), (4, 6), (5, 7, 3)])
@pytest.mark.parametrize("flip_rows", [False, True])
@pytest.mark.parametrize("flip_columns", [False, True])
@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_right_angles_are_exact(shape: tuple[int, ...], flip_rows: bool, flip_columns: bool, turns: int) -> None:
    pixels = np.random.default_rng(0).integers(0, 65536, shape, np.uint16)
    expected = np.flipud(pixels) if flip_rows else pixels
    expected = np.rot90(np.fliplr(expected) if flip_columns else expected, turns)
    affine = Affine(flip_rows, flip_columns, turns)
    np.testing.assert_array_equal(affine.image(pixels), expected)
    classes = (pixels.reshape(*shape[:2], -1)[..., 0] % 5).astype(np.uint8)
    np.testing.assert_array_equal(affine.mask(classes), (expected.reshape(*expected.shape[:2], -1)[..., 0] % 5))


def test_a_turn_is_counter_clockwise() -> None:
    top_right = np.array([[0, 1], [0, 0]], np.uint8)
    np.testing.assert_array_equal(Affine(quarter_turns=1).mask(top_right), [[1, 0], [0, 0]])


@pytest.mark.parametrize("size", [32, 33])
def test_ninety_degrees_are_a_quarter_turn(size: int) -> None:
    """About (W - 1) / 2: about W / 2 the picture would shift by a pixel and gain a black line."""
    pixels = np.random.default_rng(0).integers(1, 256, (size, size), np.uint8)
    np.testing.assert_allclose(
        Affine(degrees=90).image(pixels).astype(int), Affine(quarter_turns=1).image(pixels), atol=1
    )
    np.testing.assert_array_equal(Affine(degrees=90).mask(pixels), Affine(quarter_turns=1).mask(pixels))


@pytest.mark.parametrize("shape", [(96, 96), (80, 120), (121, 81)])
@pytest.mark.parametrize("degrees", [-15, 0.4, 7.3, 45, 133, 180])
def test_rotation_moves_disc_and_mask_to_the_same_place(shape: tuple[int, int], degrees: float) -> None:
    height, width = shape
    down, across = -10, 14
    middle = ((height - 1) / 2, (width - 1) / 2)
    mask = disc(height, width, middle[0] + down, middle[1] + across, 12)
    affine = Affine(degrees=degrees)
    image, turned = affine.image(mask * 200), affine.mask(mask)
    # Counter-clockwise on a screen, where rows count downwards.
    angle = math.radians(degrees)
    row = middle[0] + down * math.cos(angle) - across * math.sin(angle)
    column = middle[1] + down * math.sin(angle) + across * math.cos(angle)
    np.testing.assert_allclose(center_of_mass(image), (row, column), atol=0.1)
    np.testing.assert_allclose(center_of_mass(turned), (row, column), atol=0.2)
    bright = image > 100
    assert np.count_nonzero(bright != (turned > 0)) < 0.05 * np.count_nonzero(bright)


@pytest.mark.parametrize("degrees", [3, 30, 77])
def test_rotation_gives_a_mask_no_new_values(degrees: float) -> None:
    classes = random_classes(60, 60)
    turned = Affine(flip_rows=True, degrees=degrees).mask(classes)
    assert turned.dtype == np.uint8
    assert set(np.unique(turned)) == {0, 1, 2, 5, 200}


def test_rotation_comes_after_flips_and_turns() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (40, 40), np.uint8)
    turned = np.ascontiguousarray(np.rot90(np.fliplr(pixels)))
    joint = Affine(flip_columns=True, quarter_turns=1, degrees=20)
    np.testing.assert_array_equal(joint.image(pixels), Affine(degrees=20).image(turned))


def test_rotation_leaves_black_corners() -> None:
    for channels in ((), (3,)):
        turned = Affine(degrees=45).image(np.full((50, 50, *channels), 60000, np.uint16))
        assert turned.dtype == np.uint16
        assert not turned[[0, 0, -1, -1], [0, -1, 0, -1]].any()
        assert (turned[25, 25] == 60000).all()
