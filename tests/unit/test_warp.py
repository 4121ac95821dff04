"""Warps: where things go, that image and mask go there together, and that nothing folds, bleeds or is invented."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from functools import reduce

import cv2
import numpy as np
import pytest
from discs import disc_mask, dots
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import center_of_mass, gaussian_filter, map_coordinates

from components.imaging.draw import draw_warp
from components.imaging.fields import Field
from components.imaging.lenses import Lens
from components.imaging.masks import component_count
from components.imaging.warp import Warp

ELASTIC = Field(0.01, 8, 3)
DISTORTION = Field(0.01, 5, 4, gradient=True)
OPERATIONS = {
    "horizontal flip": Warp(horizontal_flip=True),
    "vertical flip": Warp(vertical_flip=True),
    "half turn": Warp(quarter_turns=2),
    "rotation": Warp(degrees=17),
    "enlarged": Warp(zoom=1.3),
    "shrunk": Warp(zoom=0.7),
    "shear x": Warp(shear_x=0.2),
    "shear y": Warp(shear_y=-0.2),
    "elastic": Warp(elastic=ELASTIC),
    "distortion": Warp(distortion=DISTORTION),
    "barrel": Warp(lenses=(Lens(0.5, 0.4, 0.3, 0.3),)),
    "pincushion": Warp(lenses=(Lens(0.6, 0.5, 0.3, -0.3),)),
    "shear both": Warp(shear_x=0.3, shear_y=0.3),
    "all": Warp(
        horizontal_flip=True,
        quarter_turns=2,
        degrees=-25,
        zoom=0.9,
        shear_x=0.1,
        shear_y=0.05,
        elastic=ELASTIC,
        distortion=DISTORTION,
        lenses=(Lens(0.3, 0.3, 0.3, 0.3), Lens(0.6, 0.6, 0.3, -0.3)),
    ),
}
EACH = pytest.mark.parametrize("warp", OPERATIONS.values(), ids=OPERATIONS.keys())
ANYTHING = {
    "horizontal_flip": 0.5,
    "vertical_flip": 0.5,
    "right_angle": 0.5,
    "rotation": {"probability": 0.5, "degrees": (-180, 180)},
    "zoom": {"probability": 0.5, "factor": (0.7, 1.3)},
    "shear": {"probability": 0.5, "x": (-0.2, 0.2), "y": (-0.2, 0.2)},
    "elastic": {"probability": 0.5, "amplitude": (0.002, 0.015), "grid": 8},
    "distortion": {"probability": 0.5, "amplitude": (0.002, 0.015), "grid": 5},
    "barrel": {"probability": 0.5, "centre": (0.3, 0.7), "radius": (0.2, 0.4), "amount": (0.1, 0.4)},
    "pincushion": {"probability": 0.5, "centre": (0.3, 0.7), "radius": (0.2, 0.4), "amount": (0.1, 0.4)},
    "border": "constant",
    "fill": 0.0,
    "interpolation": "linear",
}
FIELDS = st.builds(Field, st.floats(0.001, 0.03), st.integers(2, 16), st.integers(0, 2**32), st.booleans())
LENSES = st.builds(Lens, st.floats(0.2, 0.8), st.floats(0.2, 0.8), st.floats(0.1, 0.5), st.floats(-0.5, 0.5))
WARPS = st.builds(
    Warp,
    horizontal_flip=st.booleans(),
    vertical_flip=st.booleans(),
    quarter_turns=st.sampled_from([0, 2]),
    degrees=st.floats(-180, 180),
    zoom=st.floats(0.6, 1.6),
    shear_x=st.floats(-0.3, 0.3),
    shear_y=st.floats(-0.3, 0.3),
    elastic=st.none() | FIELDS,
    distortion=st.none() | FIELDS,
    lenses=st.lists(LENSES, max_size=2).map(tuple),
    border=st.sampled_from(["constant", "edge", "reflect"]),
)


def pattern(shape: tuple[int, ...], dtype: type) -> np.ndarray:
    return np.random.default_rng(0).integers(1, np.iinfo(dtype).max, shape, dtype)


def smooth(height: int, width: int) -> np.ndarray:
    noise = gaussian_filter(np.random.default_rng(1).normal(size=(height, width)), 6)
    return np.uint16(30000 + 20000 * noise / np.abs(noise).max())


def expected_matrix(warp: Warp) -> np.ndarray:
    """Forward map of x and y about the centre, y down, written as one product of textbook matrices."""
    angle, turn = math.radians(warp.degrees), math.radians(90 * warp.quarter_turns)
    rotation, turns = (np.array([[math.cos(a), math.sin(a)], [-math.sin(a), math.cos(a)]]) for a in (angle, turn))
    shear = np.array([[1, warp.shear_x], [warp.shear_y, 1]])
    flips = np.diag([1 - 2 * warp.horizontal_flip, 1 - 2 * warp.vertical_flip])
    return rotation @ (np.eye(2) * warp.zoom) @ shear @ turns @ flips


def assert_registered(warp: Warp, height: int, width: int) -> None:
    """Every dot that shows whole has its centre in image and mask at one place, to half a pixel of the source."""
    labels = dots(height, width)
    image, classes = warp.apply(np.uint16(40000) * (labels > 0), labels)
    free = image * (classes == 0)
    centres = []
    for number in range(1, labels.max() + 1):
        mask = np.uint8(classes == number)
        # Its blurred outline is the dot's, too: what lies within two pixels of it, and is no other dot's.
        near = cv2.dilate(mask, np.ones((5, 5), np.uint8))
        if mask.any() and not near[[0, 1, -2, -1]].any() and not near[:, [0, 1, -2, -1]].any():
            centres.append((center_of_mass(np.where(mask, image, free) * near), center_of_mass(mask)))
    assert len(centres) > 0.3 * labels.max() or warp.zoom > 1.2
    if centres:
        bright, dark = np.moveaxis(warp.to_source(*np.moveaxis(np.array(centres), -1, 0), height, width), -1, 0)
        np.testing.assert_allclose(bright, dark, atol=0.5)


@EACH
@pytest.mark.parametrize("shape", [(192, 192), (150, 260)])
def test_image_and_mask_stay_registered(warp: Warp, shape: tuple[int, int]) -> None:
    assert_registered(warp, *shape)


@pytest.mark.parametrize("seed", range(15))
def test_image_and_mask_stay_registered_in_any_composition(seed: int) -> None:
    assert_registered(draw_warp(np.random.default_rng(seed), ANYTHING, (144, 168)), 144, 168)


@EACH
def test_a_disc_is_where_the_map_says(warp: Warp) -> None:
    """The centre of the warped mask, followed back, is the centre of the source's."""
    height, width, centre = 200, 240, (85.3, 110.6)
    mask = disc_mask(height, width, *centre, 9)
    _, placed = warp.apply(mask, mask)
    rows, columns = warp.to_source(*np.nonzero(placed), height, width)
    assert np.hypot(rows - centre[0], columns - centre[1]).max() < 9 + 0.75
    # Weighted by area in the source, so that lenses do not pull the mean.
    back_x, back_y = warp.maps(height, width)
    inside = np.hypot(back_y - centre[0], back_x - centre[1]) <= 9
    assert np.count_nonzero(inside != (placed > 0)) < 0.2 * np.count_nonzero(inside)


def assert_taken_where_the_map_says(warp: Warp, height: int, width: int) -> None:
    """Against SciPy: the image linear to 1/32 of a pixel, the mask nearest."""
    mode = {"edge": "nearest", "reflect": "mirror"}[warp.border]
    image, labels = smooth(height, width), pattern((height, width), np.uint8)
    placed, classes = warp.apply(image, labels)
    map_x, map_y = warp.maps(height, width)
    steepest = max(np.abs(np.diff(image.astype(int), axis=axis)).max() for axis in (0, 1))
    expected = map_coordinates(image.astype(float), (map_y, map_x), order=1, mode=mode)
    np.testing.assert_allclose(placed, expected, atol=2 * steepest / 32)
    nearest = map_coordinates(labels, (map_y, map_x), order=0, mode=mode)
    # Where the map points between two pixels, either is right.
    between = np.any([np.abs(axis - np.floor(axis) - 0.5) < 0.02 for axis in (map_x, map_y)], axis=0)
    np.testing.assert_array_equal(classes[~between], nearest[~between])


@EACH
@pytest.mark.parametrize("border", ["edge", "reflect"])
@pytest.mark.parametrize("shape", [(120, 120), (97, 141)])
def test_pixels_are_taken_where_the_map_says(warp: Warp, border: str, shape: tuple[int, int]) -> None:
    assert_taken_where_the_map_says(replace(warp, border=border), *shape)


@settings(max_examples=40, deadline=None)
@given(warp=WARPS)
def test_pixels_are_taken_where_any_map_says(warp: Warp) -> None:
    assert_taken_where_the_map_says(replace(warp, border="edge" if warp.border == "edge" else "reflect"), 90, 70)


@pytest.mark.parametrize("shape", [(40, 50), (41, 41), (40, 40, 3)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("border", ["constant", "edge", "reflect"])
def test_identity_gives_identical_arrays(shape: tuple[int, ...], dtype: type, border: str) -> None:
    image, mask = pattern(shape, dtype), pattern(shape[:2], np.uint8)
    for found, given_ in zip(Warp(border=border).apply(image, mask), (image, mask), strict=True):
        np.testing.assert_array_equal(found, given_)
    map_x, map_y = Warp(border=border).maps(*shape[:2])
    np.testing.assert_allclose((map_y, map_x), np.indices(shape[:2]), atol=1e-4)


@pytest.mark.parametrize("shape", [(6, 6), (7, 7), (4, 6), (5, 7, 3), (6, 6, 3), (6, 6, 1)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("vertical", [False, True])
@pytest.mark.parametrize("horizontal", [False, True])
@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_right_angles_are_exact(
    shape: tuple[int, ...], dtype: type, vertical: bool, horizontal: bool, turns: int
) -> None:
    image, mask = pattern(shape, dtype), pattern(shape[:2], np.uint8)
    warp = Warp(horizontal, vertical, turns)
    if turns % 2 and shape[0] != shape[1]:
        for refused in (lambda: warp.apply(image, mask), lambda: warp.maps(*shape[:2])):
            with pytest.raises(ValueError, match="expected a square image"):
                refused()
        return
    for found, source in zip(warp.apply(image, mask), (image, mask), strict=True):
        expected = np.flipud(source) if vertical else source
        np.testing.assert_array_equal(found, np.rot90(np.fliplr(expected) if horizontal else expected, turns))
    map_x, map_y = np.rint(warp.maps(*shape[:2])).astype(int)
    np.testing.assert_array_equal(mask[map_y, map_x], warp.apply(image, mask)[1])


@pytest.mark.parametrize("size", [32, 33])
@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_rotation_by_right_angles_has_no_shift_and_no_border_line(size: int, turns: int) -> None:
    """Defect D16 of older systems: right angles were rotations about W / 2 instead of (W - 1) / 2, so the picture
    shifted by a pixel and gained a line of border."""
    image = pattern((size, size), np.uint8)
    rotated, classes = Warp(degrees=90 * turns).apply(image, image)
    np.testing.assert_allclose(rotated.astype(int), np.rot90(image, turns), atol=1)
    np.testing.assert_array_equal(classes, np.rot90(image, turns))


@pytest.mark.parametrize("name", [name for name in OPERATIONS if name not in ("elastic", "distortion", "all")])
@pytest.mark.parametrize("shape", [(121, 121), (90, 140)])
def test_the_linear_part_is_the_textbook_matrix(name: str, shape: tuple[int, int]) -> None:
    warp = replace(OPERATIONS[name], lenses=())
    rows, columns = np.indices(shape)
    middle = np.array(((shape[1] - 1) / 2, (shape[0] - 1) / 2)).reshape(2, 1, 1)
    back_rows, back_columns = warp.to_source(rows, columns, *shape)
    forward = np.tensordot(expected_matrix(warp), np.stack((back_columns, back_rows)) - middle, 1) + middle
    np.testing.assert_allclose(forward, (columns, rows), atol=1e-3)


def test_operations_happen_in_the_order_documented() -> None:
    joint = replace(OPERATIONS["all"], distortion=None, quarter_turns=1)
    first, second = joint.lenses
    steps = [
        Warp(lenses=(first,)),
        Warp(lenses=(second,)),
        Warp(horizontal_flip=True),
        Warp(quarter_turns=1),
        Warp(shear_x=joint.shear_x, shear_y=joint.shear_y),
        Warp(zoom=joint.zoom),
        Warp(degrees=joint.degrees),
        Warp(elastic=joint.elastic),
    ]
    points = np.indices((200, 200))[:, 40:161:20, 40:161:20]
    followed = reduce(lambda at, warp: np.array(warp.to_source(*at, 200, 200)), reversed(steps), points)
    np.testing.assert_allclose(joint.to_source(*points, 200, 200), followed, atol=0.1)


@EACH
def test_a_mask_gains_no_value(warp: Warp) -> None:
    """Defect D16 of older systems, its other half: masks were interpolated, which invents classes between two."""
    values = np.array([0, 1, 2, 5, 200], np.uint8)
    mask = np.random.default_rng(0).choice(values, (100, 130))
    for border in ("constant", "edge", "reflect"):
        _, placed = replace(warp, border=border, fill=0.5, interpolation="cubic").apply(mask, mask)
        assert placed.dtype == np.uint8
        assert set(np.unique(placed)) == set(values)
        _, full = replace(warp, border=border, fill=0.5).apply(mask, mask | 1)
        assert (full.min() == 0) <= (border == "constant")


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [(), (1,), (3,)])
def test_a_constant_border_is_one_value_in_all_channels_and_background(dtype: type, channels: tuple[int, ...]) -> None:
    """Defect D15 of older systems: around what was shrunk lay the sum of two of its colours, wrapped at 256 and with
    its channels reversed: (64, 104, 64) where the picture was (200, 180, 120)."""
    image, mask = np.full((60, 80, *channels), 120, dtype), np.ones((60, 80), np.uint8)
    for warp in (Warp(zoom=0.5), Warp(zoom=0.5, elastic=ELASTIC), Warp(zoom=0.5, interpolation="cubic")):
        for fill in (0.0, 0.2, 1.0):
            placed, classes = replace(warp, fill=fill).apply(image, mask)
            assert placed.shape == image.shape
            assert placed.dtype == dtype
            assert (placed[:5] == round(fill * np.iinfo(dtype).max)).all()
            assert (placed[25:35, 30:50] == 120).all()
            assert not classes[:5].any()
            assert classes[25:35, 30:50].all()


@pytest.mark.parametrize("shape", [(60, 100), (100, 60)])
def test_what_is_shrunk_keeps_its_shape_and_its_place(shape: tuple[int, int]) -> None:
    """Defect D15 of older systems, its other half: shrinking mistook x for y, and did for square images alone."""
    image = pattern((*shape, 3), np.uint8)
    for placed in Warp(zoom=0.5).apply(image, image[..., 0]):
        rows, columns = np.nonzero(placed if placed.ndim == 2 else placed.any(axis=2))
        for found, side in ((rows, shape[0]), (columns, shape[1])):
            # Half of the side, about its middle; the blurred edge of the image reaches a pixel further.
            assert abs(found.min() - side / 4) <= 1
            assert abs(found.max() - (3 * side / 4 - 1)) <= 1


def test_channels_and_depths_are_treated_alike() -> None:
    image = pattern((90, 110, 3), np.uint16)
    mask = dots(90, 110)
    for warp in OPERATIONS.values():
        placed, classes = warp.apply(image, mask)
        for channel in range(3):
            alone, same = warp.apply(np.ascontiguousarray(image[..., channel]), mask)
            np.testing.assert_array_equal(placed[..., channel], alone)
            np.testing.assert_array_equal(classes, same)


@pytest.mark.parametrize("field", [Field(0.0088, 4, 9), Field(0.0088, 7, 9, gradient=True), Field(0.00625, 37, 9)])
@pytest.mark.parametrize("radius", [8, 15, 25])
def test_image_and_mask_get_one_field(field: Field, radius: int) -> None:
    """Defect D3 of older systems: image and mask were warped by two random fields. Two of 4.5 pixels of 512 put the
    lesion of the image and that of the mask at a Dice of 0.57 to 0.86."""
    mask = disc_mask(512, 512, 200, 300, radius)
    placed, classes = Warp(elastic=field).apply(mask * 200, mask)
    bright = placed > 100
    assert 2 * np.count_nonzero(bright & (classes > 0)) / (np.count_nonzero(bright) + classes.sum()) > 0.94
    assert not np.array_equal(classes, mask)


@pytest.mark.parametrize(("distance", "source"), [(1, 0.25), (5, 2.05), (20, 12.4), (160, 160)])
def test_a_barrel_takes_its_pixels_from_where_it_should(distance: int, source: float) -> None:
    """r * sin(pi r / (2 R))^0.3 with R = 0.3 * 512."""
    warp = Warp(lenses=(Lens(256.5 / 512, 256.5 / 512, 0.3, 0.3),))
    for row, column in ((256 + distance, 256), (256, 256 - distance)):
        found = warp.to_source(row, column, 512, 512)
        assert math.dist(found, (256, 256)) == pytest.approx(source, abs=0.05 if source > 3 else 0.005)


@pytest.mark.parametrize(("amount", "area"), [(0.3, 2637), (-0.3, 331)])
def test_a_lens_changes_the_area_of_a_disc(amount: float, area: int) -> None:
    """Amount -0.3 without the limit on its slope would give 317."""
    mask = disc_mask(512, 512, 256, 256, 20)
    _, placed = Warp(lenses=(Lens(256.5 / 512, 256.5 / 512, 154 / 512, amount),)).apply(mask, mask)
    assert placed.sum() == pytest.approx(area, rel=0.06)


@settings(max_examples=60, deadline=None)
@given(amount=st.floats(-0.95, 3), radius=st.floats(0.05, 1))
def test_a_lens_is_monotone_and_leaves_its_outside_alone(amount: float, radius: float) -> None:
    """Defect D6 of older systems, its other half: a pincushion's slope at its centre was infinite, and a pixel beside
    it showed what lay 4 pixels away. Ours is 2.9 at the most for an amount of -0.3."""
    lens = Lens(0, 0, radius, amount)
    distance = np.geomspace(1e-3, 2, 2000) * radius * 1000
    x, y = np.float32(distance * 0.6 - 0.5), np.float32(distance * 0.8 - 0.5)
    lens.bend(x, y, 1000, 1000)
    taken = np.hypot(x.astype(float) + 0.5, y.astype(float) + 0.5)
    assert (np.diff(taken) > -2e-4).all()
    np.testing.assert_allclose(taken[distance > lens.radius * 1000], distance[distance > lens.radius * 1000], atol=1e-3)
    slope_at_centre = taken[0] / distance[0]
    assert slope_at_centre <= 0.03 ** min(amount, 0) + 0.1 / distance[0]


def test_lenses_apart_do_not_know_of_each_other() -> None:
    """Defect D6 of older systems: each lens distorted what the one before had left, so that copies meant for one centre
    had a Dice of 0.65 to 0.88 with it."""
    first, second = Lens(0.3, 0.3, 0.2, 0.3), Lens(0.7, 0.7, 0.2, -0.3)
    together, alone, other = (Warp(lenses=lenses).maps(200, 200) for lenses in ((first, second), (first,), (second,)))
    upper = np.add.outer(np.arange(200), np.arange(200)) < 199
    for found, one, two in zip(together, alone, other, strict=True):
        np.testing.assert_allclose(found, np.where(upper, one, two), atol=1e-4)


@settings(max_examples=60, deadline=None)
@given(warp=WARPS, height=st.integers(40, 200), width=st.integers(40, 200))
def test_no_map_folds(warp: Warp, height: int, width: int) -> None:
    map_x, map_y = (axis.astype(float) for axis in warp.maps(height, width))
    x_across, y_across = (np.diff(axis, axis=1)[:-1] for axis in (map_x, map_y))
    x_down, y_down = (np.diff(axis, axis=0)[:, :-1] for axis in (map_x, map_y))
    orientation = -1 if warp.horizontal_flip != warp.vertical_flip else 1
    assert (orientation * (x_across * y_down - x_down * y_across)).min() > 0


@settings(max_examples=40, deadline=None)
@given(warp=WARPS, row=st.floats(45, 99), column=st.floats(45, 99))
def test_a_tiny_lesion_survives(warp: Warp, row: float, column: float) -> None:
    """A disc holds a point of any lattice finer than its radius times sqrt(2): here, while the map steps less."""
    warp = replace(warp, border="constant")  # others show what lies near the border several times
    mask = disc_mask(144, 144, row, column, 2)
    map_x, map_y = warp.maps(144, 144)
    _, placed = warp.apply(mask, mask)
    near = np.hypot(map_y - row, map_x - column) < 6
    steps = [np.hypot(np.gradient(map_x, axis=axis), np.gradient(map_y, axis=axis))[near] for axis in (0, 1)]
    if (
        near.sum()
        and max(step.max() for step in steps) < 1.8
        and not near[[0, -1]].any()
        and not near[:, [0, -1]].any()
    ):
        assert placed.any()
        rows, columns = warp.to_source(*np.nonzero(placed), 144, 144)
        assert np.hypot(rows - row, columns - column).max() < 2 + 0.75


@pytest.mark.parametrize("warp", [Warp(degrees=31), Warp(shear_x=0.2), Warp(zoom=1.3), Warp(zoom=0.8)])
def test_tiny_and_thin_lesions_come_back_from_a_round_trip(warp: Warp) -> None:
    back = Warp(degrees=-warp.degrees, shear_x=-warp.shear_x, zoom=1 / warp.zoom)
    tiny = disc_mask(101, 101, 40, 60, 2)
    thin = np.zeros((101, 101), np.uint8)
    thin[50:53, 20:80] = 1
    for mask in (tiny, thin):
        _, there = warp.apply(mask, mask)
        _, again = back.apply(there, there)
        assert component_count(there) == component_count(again) == 1
        assert math.dist(center_of_mass(again), center_of_mass(mask)) < 0.75
        assert 2 * np.count_nonzero(again & mask) / (again.sum() + mask.sum()) > 0.75


@settings(max_examples=40, deadline=None)
@given(warp=WARPS)
def test_json_rebuilds_the_map_bit_for_bit_on_one_machine(warp: Warp) -> None:
    again = Warp.from_json(json.loads(json.dumps(warp.as_json())))
    assert again == warp
    assert warp.as_json()["kind"] == "warp"
    image, mask = pattern((70, 90, 3), np.uint8), dots(70, 90)
    for first, second in zip(warp.apply(image, mask), again.apply(image, mask), strict=True):
        assert first.tobytes() == second.tobytes()


@EACH
def test_views_are_warped_like_copies(warp: Warp) -> None:
    image, mask = pattern((3, 50, 60), np.uint8).transpose(2, 1, 0)[::-1], dots(50, 60).T[::-1]
    copies = warp.apply(np.ascontiguousarray(image), np.ascontiguousarray(mask))
    for found, expected in zip(warp.apply(image, mask), copies, strict=True):
        np.testing.assert_array_equal(found, expected)


def test_large_maps_are_made_in_strips_that_fit() -> None:
    image = smooth(900, 700)
    warp = OPERATIONS["all"]
    placed, _ = warp.apply(image, np.zeros_like(image))
    expected = cv2.remap(image, *warp.maps(900, 700), cv2.INTER_LINEAR)
    np.testing.assert_array_equal(placed, expected)


def test_cubic_interpolation_is_sharper_than_linear() -> None:
    noise = gaussian_filter(np.random.default_rng(1).normal(size=(100, 100)), 1.2)
    image = np.uint16(30000 + 25000 * noise / np.abs(noise).max())
    errors = []
    for interpolation in ("linear", "cubic"):
        warp = Warp(degrees=30, interpolation=interpolation, border="edge")
        exact = map_coordinates(image.astype(float), warp.maps(100, 100)[::-1], order=3, mode="nearest")
        errors.append(np.abs(warp.apply(image, image)[0] - exact)[20:80, 20:80].mean())
    assert errors[1] < 0.8 * errors[0]


def test_senseless_warps_are_refused() -> None:
    for name, value in {
        "quarter_turns": 4,
        "zoom": 0.0,
        "shear_x": math.inf,
        "border": "wrap",
        "interpolation": "sinc",
        "fill": 1.5,
    }.items():
        with pytest.raises(ValueError, match=f"{name.removesuffix('_x')}.*expected"):
            Warp(**{"shear_y": 0.1, name: value})
    for radius, amount in ((0.3, -1.0), (0.0, 0.3), (0.3, math.nan)):
        with pytest.raises(ValueError, match="expected an amount above -1"):
            Lens(0.5, 0.5, radius, amount)
    with pytest.raises(ValueError, match="the size of the image"):
        Warp().apply(np.zeros((4, 5), np.uint8), np.zeros((5, 4), np.uint8))
