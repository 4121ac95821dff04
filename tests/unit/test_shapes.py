"""Filled outlines against counts by hand and a reference that asks each pixel centre."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.imaging.truth import shapes as module
from components.imaging.truth.compound import Cut
from components.imaging.truth.shapes import Ellipse, Polygon, Shape, UnclearShape, rasterized

Points = tuple[tuple[float, float], ...]


def filled(height: int, width: int, *outlines: Ellipse | Polygon) -> np.ndarray:
    return rasterized(height, width, [Shape(outline) for outline in outlines])


def rectangle(left: float, top: float, right: float, bottom: float) -> Polygon:
    return Polygon(((left, top), (right, top), (right, bottom), (left, bottom)))


def winding(points: Points, column: int, row: int) -> int:
    """Times that the outline winds round a point, in exact arithmetic: signed crossings of the ray to its left."""
    turns = 0
    for (x0, y0), (x1, y1) in zip(points, points[1:] + points[:1], strict=True):
        ax, ay, bx, by = map(Fraction, (x0, y0, x1, y1))
        if min(ay, by) <= row < max(ay, by) and ax + (row - ay) * (bx - ax) / (by - ay) <= column:
            turns += 1 if ay < by else -1
    return turns


def reference(height: int, width: int, points: Points) -> np.ndarray:
    return np.array([[winding(points, x, y) != 0 for x in range(width)] for y in range(height)], np.uint8)


# Quarters are exact in binary: centres that lie on an outline lie on it in the reference, too.
quarters = st.integers(-20, 60).map(lambda number: number / 4)
outlines = st.lists(st.tuples(quarters, quarters), min_size=3, max_size=8).map(tuple)


@given(outlines)
@settings(max_examples=150, deadline=None)
def test_a_polygon_holds_the_pixel_centres_that_it_winds_round(points: Points) -> None:
    wanted = reference(9, 11, points)
    try:
        mask = filled(9, 11, Polygon(points))
    except UnclearShape:
        assert not wanted.any()
    else:
        np.testing.assert_array_equal(mask, wanted)


@given(outlines, st.integers(0, 7), st.booleans())
@settings(max_examples=50, deadline=None)
def test_neither_first_corner_nor_direction_matters(points: Points, first: int, reverse: bool) -> None:
    first %= len(points)
    other = points[first:] + points[:first]
    wanted = reference(8, 8, points)
    if wanted.any():
        np.testing.assert_array_equal(filled(8, 8, Polygon(other[::-1] if reverse else other)), wanted)


@pytest.mark.parametrize(
    ("points", "rows"),
    [
        (((1, 1), (4, 1), (4, 3), (1, 3)), ["......", ".###..", ".###..", "......"]),
        (((0.5, 0.5), (3.5, 0.5), (3.5, 2.5), (0.5, 2.5)), ["......", ".###..", ".###..", "......"]),
        (((0, 0), (4, 0), (0, 4)), ["####..", "###...", "##....", "#....."]),
        # An hourglass: the outline crosses itself.
        (((0, 0), (5, 0), (0, 4), (5, 4)), ["#####.", "..##..", "......", "..##.."]),
    ],
)
def test_polygons_by_hand(points: Points, rows: list[str]) -> None:
    mask = filled(4, 6, Polygon(points))
    expected = [[character == "#" for character in row] for row in rows]
    np.testing.assert_array_equal(mask.astype(bool), expected)


def test_a_loop_that_is_drawn_twice_leaves_no_hole() -> None:
    square = ((1.0, 1.0), (5.0, 1.0), (5.0, 5.0), (1.0, 5.0))
    inner = ((1.0, 1.0), (3.0, 1.0), (3.0, 3.0), (1.0, 3.0))
    np.testing.assert_array_equal(filled(7, 7, Polygon(square + inner)), filled(7, 7, Polygon(square)))


@given(quarters, quarters, outlines)
@settings(max_examples=40, deadline=None)
def test_neighbours_share_no_pixel_and_leave_none_out(x: float, y: float, points: Points) -> None:
    """The triangles between a point and the sides of a square cover it, each pixel once."""
    corners = ((-6.0, -6.0), (16.0, -6.0), (16.0, 16.0), (-6.0, 16.0))
    total = np.zeros((10, 10), int)
    for one, other in zip(corners, corners[1:] + corners[:1], strict=True):
        try:
            total += filled(10, 10, Polygon((one, other, (x, y))))
        except UnclearShape:
            continue
    assert (total == 1).all()


def test_an_outline_adds_nothing_to_the_area() -> None:
    """OpenCV's `fillPoly` draws a line round what it fills: 7 x 7 pixels where there are 6 x 6."""
    assert filled(20, 20, rectangle(2, 3, 8, 9)).sum() == 36
    angles = np.linspace(0, 2 * np.pi, 720, endpoint=False)
    circle = Polygon(tuple((50.3 + 30 * math.cos(a), 49.8 + 30 * math.sin(a)) for a in angles))
    assert filled(100, 100, circle).sum() == pytest.approx(math.pi * 900, rel=0.005)


def discs_of(discs: list[tuple[float, float, float]]) -> np.ndarray:
    """The formula over the whole image of 20 x 27 pixels, for `(row, column, radius)` of each."""
    rows, columns = np.ogrid[:20, :27]
    return np.any([(rows - y) ** 2 + (columns - x) ** 2 <= radius**2 for y, x, radius in discs], axis=0)


@given(
    st.lists(
        st.tuples(st.floats(-15, 40), st.floats(-15, 40), st.floats(0.3, 30) | st.integers(1, 30).map(float)),
        min_size=1,
        max_size=3,
    )
)
@settings(max_examples=150, deadline=None)
def test_discs_are_those_of_the_whole_image_formula(discs: list[tuple[float, float, float]]) -> None:
    wanted = discs_of(discs)
    try:
        mask = filled(20, 27, *(Ellipse(x, y, radius, radius) for y, x, radius in discs))
    except UnclearShape:
        assert any(not discs_of([disc]).any() for disc in discs)
    else:
        np.testing.assert_array_equal(mask, wanted)


@pytest.mark.parametrize(("radius", "pixels"), [(1, 5), (2, 13), (3, 29), (5, 81)])
def test_lattice_points_of_a_disc(radius: int, pixels: int) -> None:
    """Gauss's circle problem: the outline belongs to the disc."""
    for degrees in (0, 30, 90):
        assert filled(16, 16, Ellipse(8, 8, radius, radius, degrees)).sum() == pixels


@given(
    st.floats(-5, 25),
    st.floats(-5, 25),
    st.floats(1, 14),
    st.floats(1, 14),
    st.floats(-400, 400),
)
@settings(max_examples=100, deadline=None)
def test_ellipses_by_their_foci(x: float, y: float, radius_x: float, radius_y: float, degrees: float) -> None:
    """The distances to the two foci add up to no more than the long axis."""
    longer = max(radius_x, radius_y)
    focal = math.sqrt(longer**2 - min(radius_x, radius_y) ** 2)
    angle = math.radians(degrees + (90 if radius_y > radius_x else 0))
    fx, fy = focal * math.cos(angle), focal * math.sin(angle)
    rows, columns = np.mgrid[:20, :20]
    total = np.hypot(columns - x - fx, rows - y - fy) + np.hypot(columns - x + fx, rows - y + fy)
    try:
        mask = filled(20, 20, Ellipse(x, y, radius_x, radius_y, degrees))
    except UnclearShape:
        mask = np.zeros((20, 20), np.uint8)
    clear = abs(total - 2 * longer) > 1e-6
    np.testing.assert_array_equal(mask[clear], total[clear] < 2 * longer)


def test_an_ellipse_turns_clockwise_as_seen() -> None:
    mask = filled(11, 11, Ellipse(5, 5, 5, 1, 45))
    assert [mask[8, 8], mask[2, 2], mask[2, 8], mask[8, 2]] == [1, 1, 0, 0]


def test_axes_of_an_ellipse() -> None:
    mask = filled(9, 13, Ellipse(6, 4, 5, 2))
    assert (mask.any(axis=0).sum(), mask.any(axis=1).sum()) == (11, 5)
    np.testing.assert_array_equal(filled(13, 9, Ellipse(4, 6, 5, 2, 90)), mask.T)


def test_strips_make_no_seams(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = filled(40, 40, Ellipse(20.4, 18.7, 17, 9, 30))
    monkeypatch.setattr("components.imaging.truth.shapes._STRIP_PIXELS", 100)
    np.testing.assert_array_equal(filled(40, 40, Ellipse(20.4, 18.7, 17, 9, 30)), whole)


def test_later_shapes_lie_over_earlier_ones() -> None:
    mask = rasterized(5, 5, [Shape(rectangle(0, 0, 4, 4), 1), Shape(rectangle(2, 2, 5, 5), 7)])
    assert (mask.dtype, mask.shape) == (np.uint8, (5, 5))
    assert mask.tolist() == [[1, 1, 1, 1, 0], [1, 1, 1, 1, 0], [1, 1, 7, 7, 7], [1, 1, 7, 7, 7], [0, 0, 7, 7, 7]]


def test_nothing_drawn_is_background() -> None:
    assert not rasterized(3, 4, []).any()


def test_outlines_far_beyond_the_image_are_cut_off() -> None:
    """OpenCV's integer coordinates would overflow."""
    assert filled(6, 6, rectangle(-1e9, 2, 1e9, 1e9)).tolist() == [[0] * 6] * 2 + [[1] * 6] * 4
    assert filled(6, 6, Polygon(((-1e9, -1e9), (1e9, -1e9), (0, 1e9)))).all()
    assert filled(6, 6, Ellipse(3, -1e8, 1e8 + 2.5, 1e8 + 2.5)).tolist() == [[1] * 6] * 3 + [[0] * 6] * 3


@pytest.mark.parametrize(
    ("points", "reason"),
    [
        ((), "the polygon of no points encloses nothing"),
        (((1, 1), (5, 5)), "the polygon of 2 points from x 1, y 1 to x 5, y 5 encloses nothing"),
        (((2, 2), (2, 2), (2, 2), (2, 2)), "encloses nothing"),
        (((0, 0), (3, 1), (6, 2), (9, 3)), "encloses nothing"),
        (((0, 0), (5, 0), (math.nan, 5)), "has coordinates that are no pixels"),
        (((0, 0), (5, 0), (0, math.inf)), "has coordinates that are no pixels"),
        (((0, 0), (5, 0), (0, 1e12)), "has coordinates that are no pixels"),
    ],
)
def test_polygons_that_are_none(points: Points, reason: str) -> None:
    with pytest.raises(UnclearShape, match=reason):
        Polygon(points)


@pytest.mark.parametrize(
    ("numbers", "reason"),
    [
        ((5, 5, 0, 3), "the ellipse of half-axes 0 and 3 at x 5, y 5 encloses nothing"),
        ((5, 5, 3, -3), "encloses nothing"),
        ((math.nan, 5, 3, 3), "has coordinates that are no pixels"),
        ((5, 5, math.inf, 3), "has coordinates that are no pixels"),
        ((5, 5, 3, 3, math.nan), "has coordinates that are no pixels"),
    ],
)
def test_ellipses_that_are_none(numbers: tuple[float, ...], reason: str) -> None:
    with pytest.raises(UnclearShape, match=reason):
        Ellipse(*numbers)


@pytest.mark.parametrize(
    "outline",
    [
        Ellipse(2.5, 2.5, 0.6, 0.6),
        Ellipse(30, 3, 5, 5),
        rectangle(1.1, 1.1, 1.9, 1.9),
        rectangle(10, 10, 20, 20),
        rectangle(-5, 1, -1, 3),
    ],
)
def test_a_shape_without_a_pixel_is_no_silent_loss(outline: Ellipse | Polygon) -> None:
    with pytest.raises(UnclearShape, match="covers no pixel of an image of 6 x 6 pixels"):
        filled(6, 6, rectangle(0, 0, 3, 3), outline)


def test_extents() -> None:
    assert Shape(Ellipse(5, 5, 7, 3, 20)).extent == 3
    assert rectangle(3, 2, 13, 6).extent == pytest.approx(2)
    diagonal = Polygon(((0, 0), (10, 10), (9, 11), (-1, 1)))
    assert diagonal.extent == pytest.approx(math.sqrt(2) / 2, rel=1e-5)


def test_extents_far_from_the_origin_are_as_exact() -> None:
    assert rectangle(9e8, 9e8, 9e8 + 40, 9e8 + 4).extent == pytest.approx(2)


def test_the_parts_of_an_image() -> None:
    inside = [Ellipse(-0.5, 9.4, 3, 3), rectangle(-3, -3, -0.5, 4), rectangle(19, 9, 30, 30)]
    outside = [Ellipse(-0.6, 5, 30, 30), Ellipse(19.5, 5, 9, 9), Ellipse(5, 9.5, 9, 9), rectangle(20, 0, 30, 5)]
    assert [outline.lies_in(10, 20) for outline in inside] == [True] * 3
    assert [outline.lies_in(10, 20) for outline in outside] == [False] * 4


def test_maps_of_outlines() -> None:
    assert Ellipse(3, 4, 6, 2, 30).mapped((0.5, -0.5), (1, 10)) == Ellipse(2.5, 8, 3, 1, -30)
    assert rectangle(0, 1, 2, 3).mapped((2, -1), (1, 5)) == Polygon(((1, 4), (5, 4), (5, 2), (1, 2)))


def test_a_mirrored_ellipse_is_the_mirror_image() -> None:
    ellipse = Ellipse(9, 7, 8, 3, 25)
    mirrored = filled(18, 20, ellipse.mapped((1, -1), (0, 17)))
    np.testing.assert_array_equal(mirrored, filled(18, 20, ellipse)[::-1])


def test_an_outline_to_and_fro_takes_no_memory_of_all_its_crossings() -> None:
    points = tuple((float(number % 1000), 20_000.0 * (number % 2)) for number in range(2000))
    with pytest.raises(UnclearShape, match="a polygon of 2000 points crosses the rows of the image 40000000 times"):
        Polygon(points).fill(np.zeros((20_000, 1000), np.uint8), 1)


@pytest.mark.parametrize("holes", [0, 3])
def test_more_shapes_than_an_image_has_room_for_are_refused(holes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_FILLED", 0)
    box, hole = rectangle(-9.0, -9.0, 50.0, 60.0), rectangle(1.0, 1.0, 4.0, 4.0)
    shapes = [Shape(Cut(box, (hole,) * holes)) for _ in range(256 // (1 + holes))]
    assert rasterized(50, 40, shapes).sum() == 50 * 40 - (9 if holes else 0)
    with pytest.raises(UnclearShape, match="lie over each other more than 256 times all over the image"):
        rasterized(50, 40, [*shapes, Shape(box)])
