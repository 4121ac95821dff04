"""Warps: where things go, that image and mask go there together, that nothing folds, and what is kept of them."""

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
from scipy.ndimage import center_of_mass, map_coordinates
from warps import EACH, OPERATIONS, WARPS, pattern, smooth

from components.imaging.augmentation import operations as op
from components.imaging.augmentation.lenses import Lens
from components.imaging.augmentation.sampling import draw_warp
from components.imaging.augmentation.settings import Augmentation
from components.imaging.augmentation.warp import Warp

ANYTHING = Augmentation(
    horizontal_flip=0.5,
    vertical_flip=0.5,
    right_angle=0.5,
    rotation=op.Rotation(probability=0.5, degrees=[-180, 180]),
    zoom=op.Zoom(probability=0.5, factor=[0.7, 1.3]),
    shear=op.Shear(probability=0.5, x=[-0.2, 0.2], y=[-0.2, 0.2]),
    elastic=op.Displacement(probability=0.5, amplitude=[0.002, 0.015], grid=8),
    distortion=op.Displacement(probability=0.5, amplitude=[0.002, 0.015], grid=5),
    barrel=op.Barrel(probability=0.5, centre=[0.3, 0.7], radius=[0.2, 0.4], amount=[0.1, 0.4]),
    pincushion=op.Pincushion(probability=0.5, centre=[0.3, 0.7], radius=[0.2, 0.4], amount=[0.1, 0.4]),
)


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


@settings(max_examples=60, deadline=None)
@given(warp=WARPS, height=st.integers(40, 200), width=st.integers(40, 200))
def test_no_map_folds(warp: Warp, height: int, width: int) -> None:
    map_x, map_y = (axis.astype(float) for axis in warp.maps(height, width))
    x_across, y_across = (np.diff(axis, axis=1)[:-1] for axis in (map_x, map_y))
    x_down, y_down = (np.diff(axis, axis=0)[:, :-1] for axis in (map_x, map_y))
    orientation = -1 if warp.horizontal_flip != warp.vertical_flip else 1
    assert (orientation * (x_across * y_down - x_down * y_across)).min() > 0


@settings(max_examples=40, deadline=None)
@given(warp=WARPS)
def test_json_rebuilds_the_map_bit_for_bit_on_one_machine(warp: Warp) -> None:
    again = Warp.from_json(json.loads(json.dumps(warp.as_json())))
    assert again == warp
    assert warp.as_json()["kind"] == "warp"
    image, mask = pattern((70, 90, 3), np.uint8), dots(70, 90)
    for first, second in zip(warp.apply(image, mask), again.apply(image, mask), strict=True):
        assert first.tobytes() == second.tobytes()


def test_senseless_warps_are_refused() -> None:
    for name, value in [
        ("quarter_turns", 4),
        *(("degrees", number) for number in (math.nan, math.inf, -math.inf)),
        *(("zoom", number) for number in (0.0, -1.0, math.nan, math.inf)),
        *((name, number) for name in ("shear_x", "shear_y") for number in (math.nan, math.inf, -math.inf)),
        ("border", "wrap"),
        ("interpolation", "sinc"),
        ("fill", 1.5),
    ]:
        with pytest.raises(ValueError, match=f"{name[:5]}.*expected"):
            Warp(**{"shear_x": 0.1, "shear_y": 0.1, name: value})
    for numbers in (
        *((0.5, 0.5, 0.3, -1.0), (0.5, 0.5, 0.0, 0.3), (0.5, 0.5, 0.3, math.nan), (0.5, 0.5, 0.3, math.inf)),
        *((math.nan, 0.5, 0.3, 0.3), (0.5, math.inf, 0.3, 0.3), (0.5, 0.5, math.inf, 0.3)),
    ):
        with pytest.raises(ValueError, match="expected finite numbers, an amount above -1"):
            Lens(*numbers)
    with pytest.raises(ValueError, match="the size of the image"):
        Warp().apply(np.zeros((4, 5), np.uint8), np.zeros((5, 4), np.uint8))
