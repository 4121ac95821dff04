"""LabelMe's JSON, a document for each image. The image that it may hold within is not read."""

from __future__ import annotations

import base64
import math
from pathlib import PureWindowsPath
from typing import Annotated, Any

from pydantic import Field

from components.foreign import foreign
from components.imaging.annotations.document import MOST_PIXELS, AnnotatedImage, Format, annotated, polygon
from components.imaging.annotations.named import Part
from components.imaging.annotations.raster import painted
from components.imaging.files.codecs import Limits, decode_image
from components.imaging.truth.outline import Outline
from components.imaging.truth.shapes import Ellipse, UnclearShape

_Point = Annotated[list[Annotated[float, Field(allow_inf_nan=False)]], Field(min_length=2)]


class _Shape(Part):
    label: str
    points: list[_Point]
    shape_type: str = "polygon"
    mask: str | None = None


class _Document(Part):
    shapes: list[Any]
    imagePath: str = ""
    imageHeight: int | None = None
    imageWidth: int | None = None


def read_labelme(content: Any, stem: str) -> list[AnnotatedImage]:
    """Polygons, rectangles, circles and masks of an image; of one that is not there that of the document's name.

    Corners of pixels have whole coordinates; the first pixel of a mask is the one in which its first point lies.
    Shapes of a group are one object, and so no other truth than each alone.

    Raises:
        UnclearShape: no such document.
    """
    with foreign(UnclearShape, "not LabelMe's JSON"):
        found = _Document.model_validate(content)
    size = (found.imageHeight, found.imageWidth) if found.imageHeight and found.imageWidth else None
    records = [(f"shape {number}", shape) for number, shape in enumerate(found.shapes, 1)]
    name = PureWindowsPath(found.imagePath).as_posix() or stem
    return [annotated(name, records, _read_shape, size=size, otherwise=stem)]


def _read_shape(part: Any) -> tuple[str, Outline]:
    shape = _Shape.model_validate(part)
    return shape.label, _outline(shape)


def _outline(shape: _Shape) -> Outline:
    kind, points = shape.shape_type or "polygon", shape.points
    if kind in ("polygon", "oriented_rectangle", "rotation") or (kind == "rectangle" and len(points) > 2):
        return polygon(points)
    if kind not in ("rectangle", "circle", "mask"):
        raise UnclearShape(f"a {kind} encloses nothing")
    if len(points) != 2:
        raise UnclearShape(f"a {kind} of {len(points)} points, expected two")
    (x, y, *_), (other_x, other_y, *_) = points
    if kind == "rectangle":
        return polygon([(x, y), (other_x, y), (other_x, other_y), (x, other_y)])
    if kind == "circle":
        radius = math.dist((x, y), (other_x, other_y))
        return Ellipse(x - 0.5, y - 0.5, radius, radius)
    with foreign(UnclearShape, "its mask is no PNG"):
        pixels = decode_image(base64.b64decode(shape.mask or ""), Limits(MOST_PIXELS))
    inside = pixels.reshape(*pixels.shape[:2], -1).any(axis=-1)
    if (int(other_y) - int(y) + 1, int(other_x) - int(x) + 1) != inside.shape:
        raise UnclearShape(f"a mask of {inside.shape[1]} x {inside.shape[0]} pixels in a box of another size")
    return painted(inside, int(x), int(y))


def _is_labelme(content: Any) -> bool:
    return (
        isinstance(content, dict)
        and isinstance(content.get("shapes"), list)
        and bool(content.keys() & {"imagePath", "imageData"})
    )


FORMAT = Format(name="labelme", title="LabelMe's JSON", told=_is_labelme, read=read_labelme)
