"""XML of INbreast: a property list of OsiriX for each film, which is named `NUMBER_*.dcm` after its document."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import Field

from components.foreign import foreign
from components.imaging.annotations.content import PropertyList
from components.imaging.annotations.document import AnnotatedImage, Format, annotated
from components.imaging.annotations.named import Part
from components.imaging.truth.outline import Outline
from components.imaging.truth.shapes import Ellipse, Polygon, UnclearShape

_NUMBER = r"\s*([-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)\s*"
_POINT = re.compile(rf"\({_NUMBER},{_NUMBER}\)")


class _Region(Part):
    Name: str = ""
    Point_px: Annotated[list[str], Field(min_length=1)]


class _Image(Part):
    ROIs: list[Any] = Field(default=[])


class _Document(Part):
    Images: list[_Image]


def read_inbreast(content: PropertyList, stem: str) -> list[AnnotatedImage]:
    """The regions of a film, with the names of their kinds; the centre of a pixel has whole coordinates.

    A region of one point is the pixel there, as calcifications are marked; of two points it is a fault.

    Raises:
        UnclearShape: no such document.
    """
    with foreign(UnclearShape, "not XML of INbreast"):
        document = _Document.model_validate(content.content)
    regions = [region for image in document.Images for region in image.ROIs]
    records = [(f"region {number}", region) for number, region in enumerate(regions, 1)]
    return [annotated(stem, records, _read_region, goes_on=True)]


def _read_region(part: Any) -> tuple[str, Outline]:
    region = _Region.model_validate(part)
    matches = [_POINT.fullmatch(point.strip()) for point in region.Point_px]
    points = tuple((float(match[1]), float(match[2])) for match in matches if match)
    if len(points) < len(matches):
        wrong = region.Point_px[matches.index(None)]
        raise UnclearShape(f"the point {wrong[:40]!r} is not (x, y)")
    if len(points) == 1:
        (x, y) = (round(value) for value in points[0])
        return region.Name, Ellipse(x, y, 0.5, 0.5)
    return region.Name, Polygon(points)


def _is_inbreast(content: Any) -> bool:
    return isinstance(content, PropertyList) and isinstance(content.content, dict) and "Images" in content.content


FORMAT = Format(name="inbreast", title="XML of INbreast", told=_is_inbreast, read=read_inbreast)
