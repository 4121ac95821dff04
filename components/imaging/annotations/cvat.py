"""XML of CVAT, the kind that it calls CVAT for images 1.1."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any
from xml.etree.ElementTree import Element, SubElement, tostring

import numpy as np

from components.foreign import foreign
from components.imaging.annotations.colours import web_colour
from components.imaging.annotations.document import MOST_PIXELS, AnnotatedImage, Format, annotated, polygon, rectangle
from components.imaging.annotations.outlines import Rings, outlines
from components.imaging.annotations.raster import painted
from components.imaging.annotations.regions import Region, regions_of
from components.imaging.annotations.rle import numbers, run_lengths
from components.imaging.annotations.target import Chunk, Labelled, Target
from components.imaging.annotations.xml import number, text, writable
from components.imaging.files.unreadable import check_size
from components.imaging.truth.outline import Outline
from components.imaging.truth.shapes import Ellipse, UnclearShape
from components.task import Task

_ENCLOSES_NOTHING = ("polyline", "points", "cuboid", "skeleton")
_READ = ("polygon", "box", "ellipse", "mask", *_ENCLOSES_NOTHING)
"""Other elements, such as tags, are no shapes."""


def read_cvat(content: Element, _stem: str) -> list[AnnotatedImage]:
    """The images with their polygons, boxes, ellipses and masks; what has the greater `z_order` lies on top.

    Corners of pixels have whole coordinates. A mask is run lengths of its box, row by row, beginning with outside.

    Raises:
        UnclearShape: an image without name or size.
    """
    return [_read_image(image) for image in content.iter("image")]


def _read_image(image: Element) -> AnnotatedImage:
    if not text(image, "name"):
        raise UnclearShape(f"image {text(image, 'id')} has no name")
    shapes = [(f"{each.tag} {index}", each) for index, each in enumerate(image, 1) if each.tag in _READ]
    try:
        size = int(number(image, "height")), int(number(image, "width"))
        shapes.sort(key=lambda shape: number(shape[1], "z_order", 0.0))
    except UnclearShape as error:
        return AnnotatedImage(text(image, "name"), (), fault=str(error))
    return annotated(text(image, "name"), shapes, _read_shape, size=size)


def _read_shape(shape: Any) -> tuple[str, Outline]:
    if shape.tag in _ENCLOSES_NOTHING:
        raise UnclearShape(f"a {shape.tag} encloses nothing")
    return text(shape, "label"), _OUTLINES[shape.tag](shape)


def _polygon(shape: Element) -> Outline:
    with foreign(UnclearShape, f"points {text(shape, 'points')[:40]!r} are not x,y;x,y"):
        points = [(float(x), float(y)) for x, y in (pair.split(",") for pair in text(shape, "points").split(";"))]
    return polygon(points)


def _box(shape: Element) -> Outline:
    left, top, right, bottom = (number(shape, name) for name in ("xtl", "ytl", "xbr", "ybr"))
    centre = (left + right) / 2, (top + bottom) / 2
    return rectangle(left, top, right - left, bottom - top, number(shape, "rotation", 0.0), centre)


def _ellipse(shape: Element) -> Outline:
    x, y, radius_x, radius_y = (number(shape, name) for name in ("cx", "cy", "rx", "ry"))
    return Ellipse(x - 0.5, y - 0.5, radius_x, radius_y, number(shape, "rotation", 0.0))


def _mask(shape: Element) -> Outline:
    left, top, width, height = (int(number(shape, name)) for name in ("left", "top", "width", "height"))
    with foreign(UnclearShape, "its mask"):
        check_size(width, height, MOST_PIXELS)
    lengths = numbers(text(shape, "rle"), ",")
    # Of larger ones the sum could be any.
    if ((lengths < 0) | (lengths > width * height)).any() or lengths.sum() != width * height:
        raise UnclearShape(f"its run lengths tell {lengths.sum()} pixels, expected {width} x {height}")
    inside = np.repeat(np.arange(len(lengths)) % 2 > 0, lengths).reshape(height, width)
    return painted(inside, left, top)


_OUTLINES = {"polygon": _polygon, "box": _box, "ellipse": _ellipse, "mask": _mask}


def _is_cvat(content: Any) -> bool:
    return isinstance(content, Element) and content.tag == "annotations" and content.find("image") is not None


FORMAT = Format(name="cvat", title="XML of CVAT", told=_is_cvat, read=read_cvat)


def _draw(image: Labelled, task: Task) -> Element:
    """Of each region a polygon; a mask where that has a hole, or parts that touch at corners.

    Raises:
        UnreadableImage: XML cannot hold its name, or there are more outlines than memory should hold.
    """
    found = regions_of(image.mask)
    height, width = image.mask.shape
    drawn = Element("image", name=writable(image.name), width=str(width), height=str(height))
    for region, polygons in zip(found.each, outlines(found), strict=True):
        common = {"label": task.name(region.class_index), "source": "manual", "occluded": "0", "z_order": "0"}
        if len(polygons) == 1 and len(polygons[0]) == 1:
            SubElement(drawn, "polygon", common, points=_points(polygons[0]))
        else:
            SubElement(drawn, "mask", common, **_runs(region))
    return drawn


def _points(rings: Rings) -> str:
    # The last corner is the first one.
    return ";".join(f"{x:.2f},{y:.2f}" for x, y in rings[0][:-1])


def _runs(region: Region) -> dict[str, str]:
    """The box of a region, and in it the run lengths of rows, beginning with outside."""
    rows = region.inside.T
    box = {"left": region.left, "top": region.top, "width": region.width, "height": region.height}
    lengths = run_lengths(rows, (0, 0), (region.width, region.height))
    return {"rle": ", ".join(map(str, lengths.tolist())), **{name: str(value) for name, value in box.items()}}


def _join(drawn: Iterable[Element], task: Task) -> Iterator[Chunk]:
    file = "annotations.xml"
    meta = Element("meta")
    labels = SubElement(SubElement(meta, "task"), "labels")
    for index, name in enumerate(task.classes, 1):
        label = SubElement(labels, "label")
        SubElement(label, "name").text = name
        SubElement(label, "color").text = web_colour(task, index)
    yield file, b'<?xml version="1.0" encoding="utf-8"?>\n<annotations>\n<version>1.1</version>\n'
    yield file, tostring(meta, "utf-8", xml_declaration=False) + b"\n"
    for index, image in enumerate(drawn):
        image.set("id", str(index))
        yield file, tostring(image, "utf-8", xml_declaration=False) + b"\n"
    yield file, b"</annotations>\n"


TARGET = Target(
    "cvat",
    _draw,
    _join,
    note="CVAT's polygons have no holes: a region with one, or of parts that touch at corners, is a mask (run lengths)",
)
