"""GeoJSON as QuPath reads and writes it: a feature for each region, in pixels of the image at its full size."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal
from uuid import NAMESPACE_URL, uuid5

from pydantic import Field

from components.foreign import foreign
from components.imaging.annotations.document import AnnotatedImage, Format, annotated, area
from components.imaging.annotations.named import Part
from components.imaging.annotations.outlines import Rings, outlines
from components.imaging.annotations.regions import Regions, regions_of
from components.imaging.annotations.target import Chunk, Labelled, Target
from components.imaging.truth.compound import several
from components.imaging.truth.outline import Outline
from components.imaging.truth.shapes import UnclearShape
from components.task import Task

_Point = Annotated[list[Annotated[float, Field(allow_inf_nan=False)]], Field(min_length=2, max_length=3)]
_Polygon = Annotated[list[list[_Point]], Field(min_length=1)]


class _One(Part):
    type: Literal["Polygon"]
    coordinates: _Polygon

    @property
    def polygons(self) -> list[Rings]:
        return [self.coordinates]


class _Several(Part):
    type: Literal["MultiPolygon"]
    coordinates: list[_Polygon]

    @property
    def polygons(self) -> list[Rings]:
        return self.coordinates


class _Classification(Part):
    """Its colour, `color` today and the integer `colorRGB` before, says nothing that its name does not."""

    name: str = ""
    names: list[str] = Field(default=[])

    @property
    def whole(self) -> str:
        return self.name or ": ".join(self.names)


class _Properties(Part):
    classification: _Classification | None = None


class _Feature(Part):
    type: Literal["Feature"]
    geometry: Annotated[_One | _Several, Field(discriminator="type")]
    properties: _Properties | None = None

    @property
    def name(self) -> str:
        found = self.properties and self.properties.classification
        return found.whole if found else ""


class _Collection(Part):
    features: list[Any]


def write_geojson(
    found: Regions, task: Task, measurements: Sequence[Mapping[str, float | None]] | None = None
) -> bytes:
    """A FeatureCollection of annotations with the names and colours of their classes.

    Corners of pixels have whole coordinates, as QuPath has them: the first pixel is the square from (0, 0) to (1, 1).
    Pixels that are not judged are in no feature. The same regions have the same identifiers.

    Args:
        measurements: of each region, by their names; finite.

    Raises:
        UnreadableImage: there are more outlines than memory should hold, as of noise.
    """
    polygons = outlines(found)
    tables = measurements if measurements is not None else [{}] * len(polygons)
    features = [
        _feature(task.name(region.class_index), task.colour(region.class_index), drawn, table)
        for region, drawn, table in zip(found.each, polygons, tables, strict=True)
    ]
    document = {"type": "FeatureCollection", "features": features}
    return json.dumps(document, separators=(",", ":"), allow_nan=False).encode()


def read_geojson(content: Any, stem: str) -> list[AnnotatedImage]:
    """The polygons of the image of the same name: what `write_geojson` wrote, or what QuPath exports.

    QuPath's collections are read, and the bare lists of older versions. Parts outside of the image are cut off.

    Raises:
        UnclearShape: no such document.
    """
    with foreign(UnclearShape, "not GeoJSON of polygons"):
        found = {"features": content} if isinstance(content, list) else content
        features = _Collection.model_validate(found).features
    records = [(f"feature {number}", feature) for number, feature in enumerate(features, 1)]
    return [annotated(stem, records, _read_feature)]


def _read_feature(part: Any) -> tuple[str, Outline]:
    feature = _Feature.model_validate(part)
    return feature.name, several([area(rings) for rings in feature.geometry.polygons])


def _is_geojson(content: Any) -> bool:
    if isinstance(content, list):
        return bool(content) and isinstance(content[0], dict) and content[0].get("type") == "Feature"
    return isinstance(content, dict) and content.get("type") == "FeatureCollection"


def _feature(
    name: str, colour: tuple[int, int, int], polygons: list[Rings], measurements: Mapping[str, float | None]
) -> dict[str, Any]:
    several = len(polygons) > 1
    return {
        "type": "Feature",
        "id": str(uuid5(NAMESPACE_URL, f"{name} {polygons}")),
        "geometry": {
            "type": "MultiPolygon" if several else "Polygon",
            "coordinates": polygons if several else polygons[0],
        },
        "properties": {
            "objectType": "annotation",
            "classification": {"name": name, "color": list(colour)},
            **({"measurements": dict(measurements)} if measurements else {}),
        },
    }


FORMAT = Format(name="geojson", title="GeoJSON, as QuPath exports it", told=_is_geojson, read=read_geojson)


def _draw(image: Labelled, task: Task) -> Chunk:
    return f"{image.stem}.geojson", write_geojson(regions_of(image.mask), task)


def _join(drawn: Iterable[Chunk], task: Task) -> Iterator[Chunk]:
    yield from drawn


TARGET = Target("qupath", _draw, _join, note="each image has a .geojson of its name: drop it on the image in QuPath")
