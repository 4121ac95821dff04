"""What the layouts with drawn truth share: labels, classes, and how shapes come onto the pixels of their image."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from components.example_gen.samples import NO_SPLIT, Drawing, Listing, Reject, Sample
from components.imaging.truth.shapes import Shape, UnclearShape

LEFT_OUT = "label"
"""The kind of a source that has only labels for which the config does not ask."""

_ASPECT_TOLERANCE = 0.01


def same_aspect(one: tuple[int, int], other: tuple[int, int]) -> bool:
    """Whether the aspect ratios of two sizes, height first, differ by no more than 1 %."""
    return abs(one[1] * other[0] / (one[0] * other[1]) - 1) <= _ASPECT_TOLERANCE


def place(drawing: Drawing, height: int, width: int) -> tuple[Shape, ...]:
    """The shapes in pixels of an image of this size: scaled from the canvas, y counted downwards.

    Raises:
        UnclearShape: the canvas has another aspect than the image, or a shape lies outside (the centre of an ellipse,
            all of a polygon).
    """
    canvas_height, canvas_width = drawing.canvas or (height, width)
    if not same_aspect((canvas_height, canvas_width), (height, width)):
        raise UnclearShape(
            f"the image of {width} x {height} pixels is no copy of what its shapes were drawn on, "
            f"{canvas_width} x {canvas_height}: is the truth of another edition?"
        )
    scale_x, scale_y = width / canvas_width, height / canvas_height
    # Scaling keeps the edges of the image, half a pixel before the centre of its first pixel.
    offset_x, offset_y = (scale_x - 1) / 2, (scale_y - 1) / 2
    if drawing.bottom_left:
        offset_y += (canvas_height - 1) * scale_y
        scale_y = -scale_y
    placed = []
    for shape in drawing.shapes:
        outline = shape.outline.mapped((scale_x, scale_y), (offset_x, offset_y))
        if not outline.lies_in(height, width):
            raise UnclearShape(
                f"{shape.outline} lies outside the image of {width} x {height} pixels: is the truth of another edition?"
            )
        placed.append(Shape(outline, shape.class_index))
    return tuple(placed)


def class_of(label: str, classes: Sequence[str]) -> int:
    """The class of a lesion with this label: 1 where `[data] classes` tells no labels apart.

    Raises:
        UnclearShape: two classes or more are named, and none of them so.
    """
    if len(classes) < 2:
        return 1
    names = [name.lower() for name in classes]
    if label not in names:
        raise UnclearShape(f"a shape of {label!r}, which is none of [data] classes: {', '.join(classes)}")
    return names.index(label) + 1


def gravest(labels: Iterable[str]) -> str:
    """The label of an image with lesions of these: malignant before benign before normal before any other."""
    order = ("malignant", "benign", "normal")
    return min(labels, key=lambda label: (order.index(label) if label in order else len(order), label))


def listing_of(found: Iterable[Sample | Reject]) -> Listing:
    """Samples, rejects and what is left out, each in the order found."""
    found = list(found)
    rejects = [item for item in found if isinstance(item, Reject)]
    return Listing(
        samples=tuple(item for item in found if isinstance(item, Sample)),
        rejects=tuple(reject for reject in rejects if reject.kind not in (LEFT_OUT, NO_SPLIT)),
        left_out=tuple(reject for reject in rejects if reject.kind in (LEFT_OUT, NO_SPLIT)),
    )


def left_out(source: str, present: Iterable[str], labels: Iterable[str]) -> Reject:
    """A source of which nothing has a label that the config asks for."""
    return Reject(source, LEFT_OUT, f"only {', '.join(sorted(present))}; [data] labels asks for {', '.join(labels)}")
