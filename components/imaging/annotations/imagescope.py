"""XML of ImageScope, a document for each image, which has its name: layers of regions, some of which are holes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any
from xml.etree.ElementTree import Element

import numpy as np

from components.imaging.annotations.document import AnnotatedImage, Format, annotated, polygon
from components.imaging.annotations.xml import number, text
from components.imaging.truth.compound import Cut
from components.imaging.truth.outline import Outline
from components.imaging.truth.shapes import Ellipse, Polygon, UnclearShape

_OUTLINE, _RECTANGLE, _ELLIPSE = "0", "1", "2"
"""Types of regions; arrows and rulers have others."""


def read_imagescope(content: Element, stem: str) -> list[AnnotatedImage]:
    """The regions of all layers. What a layer calls a negative region is a hole in its other regions.

    Corners of pixels have whole coordinates. A label is the name of the layer, else that of its attribute, or what its
    description says, else the text of the region.
    """
    records = [
        (f"layer {number} region {text(region, 'Id')}", (layer, region, holes))
        for number, layer in enumerate(content.iter("Annotation"), 1)
        for holes in [_Holes(layer)]
        for region in layer.iter("Region")
        if not _is_hole(region)
    ]
    return [annotated(stem, records, _read_region)]


class _Holes:
    """Those of a layer."""

    def __init__(self, layer: Element) -> None:
        self._regions = [region for region in layer.iter("Region") if _is_hole(region)]

    def within(self, outline: Polygon | Ellipse) -> tuple[Polygon | Ellipse, ...]:
        """Those whose upright rectangles meet that of an outline.

        Raises:
            UnclearShape: one of the layer's is no outline.
        """
        (left, top), (right, bottom) = outline.bounds
        lefts, tops, rights, bottoms = self._sides
        meeting = (left < rights) & (lefts < right) & (top < bottoms) & (tops < bottom)
        return tuple(self._outlines[index] for index in np.flatnonzero(meeting))

    @cached_property
    def _outlines(self) -> list[Polygon | Ellipse]:
        return [_outline(region) for region in self._regions]

    @cached_property
    def _sides(self) -> np.ndarray:
        return np.array([[*low, *high] for low, high in (each.bounds for each in self._outlines)]).reshape(-1, 4).T


def _read_region(part: tuple[Element, Element, _Holes]) -> tuple[str, Outline]:
    layer, region, holes = part
    outline = _outline(region)
    within = holes.within(outline)
    return _label(layer) or text(region, "Text"), Cut(outline, within) if within else outline


def _is_hole(region: Element) -> bool:
    return text(region, "NegativeROA") == "1"


def _outline(region: Element) -> Polygon | Ellipse:
    kind = text(region, "Type") or _OUTLINE
    points = [(number(vertex, "X"), number(vertex, "Y")) for vertex in region.iter("Vertex")]
    if kind == _OUTLINE or (kind == _RECTANGLE and len(points) > 2):
        return polygon(points)
    if kind not in (_RECTANGLE, _ELLIPSE):
        raise UnclearShape(f"a region of type {kind} encloses nothing")
    (left, top), (right, bottom) = _box(points)
    if kind == _RECTANGLE:
        return polygon([(left, top), (right, top), (right, bottom), (left, bottom)])
    return Ellipse((left + right - 1) / 2, (top + bottom - 1) / 2, (right - left) / 2, (bottom - top) / 2)


def _box(points: Sequence[tuple[float, float]]) -> tuple[tuple[float, float], tuple[float, float]]:
    if len(points) < 2:
        raise UnclearShape(f"a region of {len(points)} points, expected two corners at least")
    xs, ys = zip(*points, strict=True)
    return (min(xs), min(ys)), (max(xs), max(ys))


def _label(layer: Element) -> str:
    if name := text(layer, "Name"):
        return name
    attribute = layer.find("Attributes/Attribute")
    if attribute is None:
        return ""
    name = text(attribute, "Name")
    return text(attribute, "Value") if name == "Description" else name


def _is_imagescope(content: Any) -> bool:
    return isinstance(content, Element) and content.tag == "Annotations" and content.find("Annotation") is not None


FORMAT = Format(name="imagescope", title="XML of ImageScope", told=_is_imagescope, read=read_imagescope)
