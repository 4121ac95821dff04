"""Warped pixels: exact where they can be, no class or colour invented, tiny lesions kept, views and channels alike."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pytest
from discs import disc_mask, dots
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.interpolate import LinearNDInterpolator
from scipy.ndimage import center_of_mass, gaussian_filter, map_coordinates
from warps import EACH, ELASTIC, OPERATIONS, WARPS, pattern, smooth

from components.imaging.augmentation.fields import Field
from components.imaging.augmentation.lenses import Lens
from components.imaging.augmentation.sampling import draw_warp
from components.imaging.augmentation.settings import Augmentation
from components.imaging.augmentation.warp import Warp
from components.imaging.truth.masks import component_count


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


@pytest.mark.parametrize(("border", "beyond"), [("constant", 0), ("edge", 255), ("reflect", 255)])
def test_beyond_a_constant_border_lies_background_also_where_nothing_is_judged(border: Any, beyond: int) -> None:
    """Black that a model must not take for a lesion, as of a letterbox. nnU-Net, too, makes it background."""
    unjudged = np.full((40, 40), 255, np.uint8)
    _, classes = Warp(zoom=0.5, border=border).apply(unjudged, unjudged)
    assert (classes[0, 0], classes[20, 20]) == (beyond, 255)


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


@pytest.mark.parametrize("name", ["rotation", "zoom", "shear", "elastic", "distortion", "barrel", "pincushion"])
@pytest.mark.parametrize("end", [0, 1])
def test_a_tiny_lesion_survives_the_default_range_of_each_operation(name: str, end: int) -> None:
    """At its ends; under lenses at their centre, where a pincushion shrinks most, and elsewhere."""
    ranges = ("amount", "factor", "amplitude", "degrees", "x", "y")
    ends = {key: [value[end]] * 2 for key, value in getattr(Augmentation(), name) if key in ranges}
    chosen = Augmentation.model_validate({name: {"probability": 1.0, **ends}})
    for seed in range(300):
        rng = np.random.default_rng(seed)
        warp = draw_warp(rng, chosen, (128, 128))
        row, column = rng.uniform(40, 88, 2)
        if warp.lenses and seed % 4:
            row, column = warp.lenses[0].y * 128 - 0.5, warp.lenses[0].x * 128 - 0.5
        mask = disc_mask(128, 128, row, column, 2)
        assert warp.apply(mask, mask)[1].any()


@settings(max_examples=40, deadline=None)
@given(warp=WARPS, row=st.floats(45, 99), column=st.floats(45, 99))
def test_a_tiny_lesion_survives_any_composition_that_steps_little(warp: Warp, row: float, column: float) -> None:
    """Much stronger than the defaults; a disc of radius r holds the nearest pixel of a point of any lattice whose
    steps are less than sqrt(2) r - 1."""
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


def inverted(warp: Warp, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of the result for each pixel of the source, by triangles between where its pixels were taken."""
    map_x, map_y = warp.maps(size, size)
    places = np.indices((size, size)).reshape(2, -1).T
    back = LinearNDInterpolator(np.column_stack((map_y.ravel(), map_x.ravel())), places)(places)
    rows, columns = np.moveaxis(back.reshape(size, size, 2), -1, 0)
    return rows, columns


@pytest.mark.parametrize(
    "warp",
    [
        *(Warp(degrees=31), Warp(shear_x=0.2), Warp(zoom=1.3), Warp(zoom=0.8)),
        *(Warp(elastic=Field(0.015, 6, seed)) for seed in range(3)),
        *(Warp(distortion=Field(0.012, 5, seed, gradient=True)) for seed in range(3)),
        *(Warp(lenses=(Lens(0.45, 0.55, 0.35, amount),)) for amount in (0.4, 0.2, -0.1, -0.17)),
        Warp(degrees=-20, zoom=1.1, elastic=ELASTIC, lenses=(Lens(0.6, 0.4, 0.3, -0.15),)),
    ],
)
def test_tiny_and_thin_lesions_come_back_from_a_round_trip(warp: Warp) -> None:
    rows, columns = inverted(warp, 101)
    tiny = disc_mask(101, 101, 40, 60, 2)
    thin = np.zeros((101, 101), np.uint8)
    thin[50:53, 20:80] = 1
    for mask in (tiny, thin):
        _, there = warp.apply(mask, mask)
        again = map_coordinates(there, (rows, columns), order=0, mode="constant")
        assert component_count(there) == component_count(again) == 1
        assert math.dist(center_of_mass(again), center_of_mass(mask)) < 0.75
        assert 2 * np.count_nonzero(again & mask) / (again.sum() + mask.sum()) > 0.75


@pytest.mark.parametrize("thickness", [1, 2, 3])
def test_a_bar_stays_whole_down_to_a_zoom_of_one_over_its_thickness(thickness: int) -> None:
    mask = np.zeros((201, 201), np.uint8)
    mask[99 : 99 + thickness, 40:160] = 1
    pieces = {
        share: [
            component_count(Warp(zoom=share / thickness, degrees=angle).apply(mask, mask)[1])
            for angle in np.linspace(-90, 90, 91)
        ]
        for share in (1.001, 0.8)
    }
    assert set(pieces[1.001]) == {1}
    assert max(pieces[0.8]) > 1


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


@pytest.mark.parametrize("moves", [Warp(degrees=30), Warp(elastic=ELASTIC), Warp(lenses=(Lens(0.5, 0.5, 0.4, 0.3),))])
def test_cubic_interpolation_is_sharper_than_linear(moves: Warp) -> None:
    noise = gaussian_filter(np.random.default_rng(1).normal(size=(100, 100)), 1.2)
    image = np.uint16(30000 + 25000 * noise / np.abs(noise).max())
    exact = map_coordinates(image.astype(float), moves.maps(100, 100)[::-1], order=3, mode="nearest")
    errors = []
    for interpolation in ("linear", "cubic"):
        warp = replace(moves, interpolation=interpolation, border="edge")
        errors.append(np.abs(warp.apply(image, image)[0] - exact)[20:80, 20:80].mean())
    assert errors[1] < 0.8 * errors[0]
