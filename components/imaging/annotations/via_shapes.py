"""Shapes of the VGG Image Annotator, which are the same in its tables and in its JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter

from components.imaging.annotations.named import Part
from components.imaging.truth.shapes import Ellipse, Polygon, UnclearShape

LABEL_KEYS = ("pathology", "label", "class")

Number = Annotated[float, Field(allow_inf_nan=False)]


class Circle(Part):
    name: Literal["circle"]
    cx: Number
    cy: Number
    r: Number

    def outline(self) -> Ellipse:
        return Ellipse(self.cx, self.cy, self.r, self.r)


class Oval(Part):
    name: Literal["ellipse"]
    cx: Number
    cy: Number
    rx: Number
    ry: Number
    theta: Number = 0.0
    """Radians, clockwise as seen; older tables have none."""

    def outline(self) -> Ellipse:
        return Ellipse(self.cx, self.cy, self.rx, self.ry, math.degrees(self.theta))


class Rectangle(Part):
    name: Literal["rect"]
    x: Number
    y: Number
    width: Number
    height: Number

    def outline(self) -> Polygon:
        right, bottom = self.x + self.width, self.y + self.height
        return Polygon(((self.x, self.y), (right, self.y), (right, bottom), (self.x, bottom)))


class Outline(Part):
    name: Literal["polygon"]
    all_points_x: list[Number]
    all_points_y: list[Number]

    def outline(self) -> Polygon:
        if len(self.all_points_x) != len(self.all_points_y):
            raise UnclearShape(f"a polygon of {len(self.all_points_x)} x and {len(self.all_points_y)} y")
        return Polygon(tuple(zip(self.all_points_x, self.all_points_y, strict=True)))


SHAPE: TypeAdapter[Circle | Oval | Rectangle | Outline] = TypeAdapter(
    Annotated[Circle | Oval | Rectangle | Outline, Field(discriminator="name")]
)


def label_of(attributes: Mapping[str, Any]) -> str:
    """In lower case, empty where none of the attributes is one.

    Raises:
        UnclearShape: several are ticked.
    """
    values = {key.strip().lower(): value for key, value in attributes.items()}
    found = next((values[key] for key in LABEL_KEYS if values.get(key)), "")
    if isinstance(found, Mapping):
        ticked = [name for name, is_ticked in found.items() if is_ticked]
        if len(ticked) > 1:
            raise UnclearShape(f"a shape of several labels: {', '.join(ticked)}")
        found = "".join(ticked)
    return str(found).strip().lower()
