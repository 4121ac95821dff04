"""Drawings on the pixels of their image."""

from __future__ import annotations

import numpy as np
import pytest

from components.example_gen.drawing import class_of, gravest, left_out, listing_of, place
from components.example_gen.samples import Drawing, Reject, Sample
from components.imaging.truth.shapes import Ellipse, Polygon, Shape, UnclearShape, rasterized

DISC = Shape(Ellipse(3, 2, 1, 1))


def test_rows_are_counted_from_the_bottom() -> None:
    """The lowest row is y 0: row = height - 1 - y."""
    assert place(Drawing((DISC,), bottom_left=True), 10, 8) == (Shape(Ellipse(3, 7, 1, 1, -0.0)),)
    (corner,) = place(Drawing((Shape(Ellipse(0, 0, 1, 1)),), bottom_left=True), 10, 8)
    assert rasterized(10, 8, [corner])[8:, :3].tolist() == [[1, 0, 0], [1, 1, 0]]


def test_without_canvas_and_origin_shapes_stay_where_they_are() -> None:
    shapes = (DISC, Shape(Polygon(((0.5, 0), (4, 0), (4, 5))), 2))
    assert place(Drawing(shapes), 10, 8) == shapes


@pytest.mark.parametrize("bottom_left", [False, True])
@pytest.mark.parametrize("factor", [2, 3])
def test_a_copy_of_smaller_scale(bottom_left: bool, factor: int) -> None:
    """Every pixel of the copy is a block of the canvas, and in the shape if all of the block is."""
    size = 12 * factor
    square = tuple((x * factor - 0.5, y * factor - 0.5) for x, y in ((2, 3), (7, 3), (7, 9), (2, 9)))
    drawing = Drawing((Shape(Polygon(square), 4),), bottom_left=bottom_left, canvas=(size, size))
    large = rasterized(size, size, place(drawing, size, size))
    small = rasterized(12, 12, place(drawing, 12, 12))
    assert small.sum() == 4 * 5 * 6
    np.testing.assert_array_equal(large, np.kron(small, np.ones((factor, factor), np.uint8)))


def test_discs_are_scaled_with_the_canvas() -> None:
    (shape,) = place(Drawing((Shape(Ellipse(535, 425, 197, 197)),), bottom_left=True, canvas=(1024, 1024)), 256, 256)
    ellipse = shape.outline
    assert isinstance(ellipse, Ellipse)
    # Row 1023 - 425 = 598 of the canvas; the centre of a pixel is half a pixel from its edge.
    assert (ellipse.x, ellipse.y) == (535.5 / 4 - 0.5, 598.5 / 4 - 0.5)
    assert (ellipse.radius_x, ellipse.radius_y) == (197 / 4, 197 / 4)


@pytest.mark.parametrize(("height", "width"), [(1024, 1024), (512, 512), (1000, 1009), (4096, 4096)])
def test_copies_of_the_same_aspect_are_fine(height: int, width: int) -> None:
    place(Drawing((DISC,), canvas=(1024, 1024)), height, width)


@pytest.mark.parametrize(("height", "width"), [(1000, 1011), (2600, 4320), (1011, 1000)])
def test_another_aspect_is_another_image(height: int, width: int) -> None:
    with pytest.raises(UnclearShape, match=rf"{width} x {height} .* 1024 x 1024: is the truth of another edition\?"):
        place(Drawing((), canvas=(1024, 1024)), height, width)


@pytest.mark.parametrize(
    ("outline", "what"),
    [
        (Ellipse(30, 5, 40, 40), "the ellipse of half-axes 40 and 40 at x 30, y 5 lies outside the image of 20 x 10"),
        (Ellipse(5, 10, 4, 4), "at x 5, y 10 lies outside"),
        (Polygon(((21, 1), (25, 1), (25, 5))), "the polygon of 3 points from x 21, y 1 to x 25, y 5 lies outside"),
    ],
)
@pytest.mark.parametrize("bottom_left", [False, True])
def test_what_lies_where_it_cannot(outline: Ellipse | Polygon, what: str, bottom_left: bool) -> None:
    with pytest.raises(UnclearShape, match=what):
        place(Drawing((Shape(outline),), bottom_left=bottom_left), 10, 20)


def test_a_lesion_that_vanishes_in_the_copy_is_known() -> None:
    with pytest.raises(UnclearShape, match="encloses nothing"):
        place(Drawing((Shape(Ellipse(5, 5, 0.01, 0.01)),), canvas=(1024, 1024)), 64, 64)


def test_classes_by_label() -> None:
    assert (class_of("", []), class_of("benign", ["mass"])) == (1, 1)
    assert (class_of("benign", ["Benign", "Malignant"]), class_of("malignant", ["Benign", "Malignant"])) == (1, 2)
    with pytest.raises(UnclearShape, match=r"'cyst', which is none of \[data\] classes: Benign, Malignant"):
        class_of("cyst", ["Benign", "Malignant"])


def test_the_gravest_label_is_the_images() -> None:
    assert gravest(["benign", "malignant", "normal"]) == "malignant"
    assert gravest(["normal", "benign"]) == "benign"
    assert gravest(["cyst", "abscess"]) == "abscess"


def test_listings_are_sorted_by_kind() -> None:
    sample = Sample("a", "a", "a.png", Drawing())
    reject = Reject("b.png", "truth", "unclear")
    other = left_out("c.png", {"normal", "benign"}, ["malignant"])
    found = listing_of([other, sample, reject])
    assert (found.samples, found.rejects, found.left_out) == ((sample,), (reject,), (other,))
    assert other.reason == "only benign, normal; [data] labels asks for malignant"
