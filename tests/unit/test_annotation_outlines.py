"""Outlines of regions: by hand, and by Shapely's rules of what is valid and what lies within."""

from __future__ import annotations

import numpy as np
import pytest
from annotated import TASK, drawn, masks
from hypothesis import given
from shapely import MultiPolygon, Polygon, contains_xy

from components.errors import UsageError
from components.imaging.annotations.coco import write_coco
from components.imaging.annotations.colours import colour_map, colours_of, outlined
from components.imaging.annotations.document import area
from components.imaging.annotations.outlines import outlines
from components.imaging.annotations.regions import regions_of
from components.imaging.files.unreadable import UnreadableImage
from components.imaging.truth.compound import several

RING = drawn("111", "1.1", "11.")
"""The hole touches the outside at a corner."""


@given(masks((0, 1, 2, 255)))
def test_outlines_are_valid_and_enclose_the_pixels(mask: np.ndarray) -> None:
    found = regions_of(mask)
    rows, columns = np.indices(mask.shape)
    again, covered = np.zeros_like(mask), np.zeros_like(mask)
    for region, polygons in zip(found.each, outlines(found), strict=True):
        shape = MultiPolygon([Polygon(outer, holes) for outer, *holes in polygons])
        assert shape.is_valid
        assert shape.area == region.area
        assert shape.bounds == (
            *(region.left, region.top),
            *(region.left + region.width, region.top + region.height),
        )
        covered[contains_xy(shape, columns + 0.5, rows + 0.5)] = region.class_index
        for rings in polygons:
            area(rings).fill(again, region.class_index)
    judged = np.where(mask == 255, 0, mask)
    np.testing.assert_array_equal(covered, judged)
    np.testing.assert_array_equal(again, judged)


def test_a_pixel_is_a_unit_square() -> None:
    assert outlines(regions_of(drawn("..", ".1"))) == [[[[[1, 1], [2, 1], [2, 2], [1, 2], [1, 1]]]]]


def test_a_hole_that_touches_the_outside_at_a_corner_is_a_hole() -> None:
    outer = [[0, 0], [3, 0], [3, 2], [2, 2], [2, 3], [0, 3], [0, 0]]
    hole = [[1, 1], [1, 2], [2, 2], [2, 1], [1, 1]]
    assert outlines(regions_of(RING)) == [[[outer, hole]]]


def test_what_touches_at_corners_is_a_region_of_several_polygons() -> None:
    found = regions_of(drawn("1..", ".1.", "..2"))
    assert [len(polygons) for polygons in outlines(found)] == [2, 1]
    assert [(region.class_index, region.area) for region in found.each] == [(1, 2), (2, 1)]


def test_regions_are_told_by_box_centroid_and_pixels() -> None:
    (region,) = regions_of(drawn("xxxx", "x.11", "x.1.")).each
    assert (region.left, region.top, region.width, region.height) == (2, 1, 2, 2)
    assert region.centroid == pytest.approx((7 / 3, 4 / 3))
    assert region.inside.tolist() == [[True, True], [True, False]]


@pytest.mark.parametrize("value", [0, 255])
def test_of_nothing_there_is_nothing(value: int) -> None:
    found = regions_of(np.full((3, 4), value, np.uint8))
    assert found.each == outlines(found) == []


def test_noise_is_refused_before_it_takes_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    chequered = regions_of((np.indices((5, 5)).sum(axis=0) % 2).astype(np.uint8))
    chequered.mask[0, 0] = 255  # as background
    limit = "components.imaging.annotations.regions.MOST_EDGES"
    for write in (outlines, lambda found: write_coco([("a.png", found)], TASK)):
        monkeypatch.setattr(limit, 48)
        write(chequered)
        monkeypatch.setattr(limit, 47)
        with pytest.raises(
            UnreadableImage, match=r"48 pixel edges, and outlines .* at most 47: leave out GeoJSON and C"
        ):
            write(chequered)


def test_more_regions_than_can_be_told_are_counted_and_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    noise = np.zeros((1000, 1000), np.uint8)
    noise[::2, ::2] = 1 + np.arange(500) % 2
    with pytest.raises(
        UnreadableImage, match=r"250000 regions, .* at most 200000: leave out GeoJSON, COCO and lesions"
    ):
        regions_of(noise)
    monkeypatch.setattr("components.imaging.annotations.regions.MOST_REGIONS", 250000)
    assert len(regions_of(noise).each) == 250000


def test_what_is_drawn_is_cut_off_at_the_image() -> None:
    mask = np.zeros((2, 3), np.uint8)
    parts = [[[[-5, -5], [2, -5], [2, 1], [-5, 1]]], [[[2, 1], [9, 1], [9, 9], [2, 9]]]]
    assert several([area(rings) for rings in parts]).fill(mask, 1)
    np.testing.assert_array_equal(mask, drawn("11.", "..1"))
    beyond, hole = [[7, 7], [9, 7], [9, 9]], [[8, 7], [9, 7], [9, 8]]
    assert not area([beyond]).fill(mask, 1)
    assert not area([beyond, hole]).fill(mask, 1)


def test_each_class_has_its_colour() -> None:
    picture = colour_map(drawn(".1", "3x"), colours_of(TASK))
    assert picture.tolist() == [[[0, 0, 0], [*TASK.colour(1)]], [[*TASK.colour(3)], [96, 96, 96]]]
    picture = colour_map(drawn(".1", "3x"), colours_of(TASK, "red, #010203,Green"))
    assert picture.tolist() == [[[0, 0, 0], [255, 0, 0]], [[0, 128, 0], [96, 96, 96]]]


@pytest.mark.parametrize(
    ("named", "said"),
    [
        (
            "green",
            "found 1 for the 3 classes benign, malignant and muscle, expected one of each, as in red,green,#ffc8",
        ),
        ("red,green,verdant", "found 'verdant', expected a colour as HTML names it, such as green, or #rrggbb"),
        ("red,green,#00ff0080", "found '#00ff0080'"),
        ("red,green,", "found ''"),
    ],
)
def test_what_are_no_colours_of_the_classes_is_refused(named: str, said: str) -> None:
    with pytest.raises(UsageError, match=f"^--colours: {said}"):
        colours_of(TASK, named)


def test_each_region_is_outlined_within_its_pixels() -> None:
    mask = drawn("1111222", "1111222", "1111222", "1111222")
    colours = colours_of(TASK)
    picture = outlined(np.full(mask.shape, 7, np.uint8), mask, colours)
    inner = np.zeros(mask.shape, bool)
    inner[1:3, [1, 2, 5]] = True
    assert (picture[inner] == 7).all()
    np.testing.assert_array_equal(picture[~inner], colour_map(mask, colours)[~inner])
