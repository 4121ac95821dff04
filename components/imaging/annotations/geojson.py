"""GeoJSON as QuPath reads and writes it: a feature for each region, in pixels of the image at its full size."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal
from uuid import NAMESPACE_URL, uuid5

import numpy as np
from pydantic import Field

from components.foreign import foreign
from components.imaging.annotations.named import Part, class_index
from components.imaging.annotations.outlines import Rings, draw, outlines
from components.imaging.annotations.regions import Regions
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
    features: list[_Feature]


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


def read_geojson(content: bytes, height: int, width: int, task: Task) -> np.ndarray:
    """Class indices `(height, width)` uint8 of polygons: what `write_geojson` wrote, or what QuPath exports.

    QuPath's collections are read, and the bare lists of older versions. Classes go by their names; where a task has one
    class, what has no name is of it. Later features lie over earlier ones, and parts outside of the image are cut off.

    Raises:
        UnclearShape: no such document; a feature that is no polygon, of a class that the task has not, or covers no
            pixel.
    """
    with foreign(UnclearShape, "not GeoJSON of polygons"):
        found = json.loads(content)
        features = _Collection.model_validate({"features": found} if isinstance(found, list) else found).features
    mask = np.zeros((height, width), np.uint8)
    for number, feature in enumerate(features, 1):
        try:
            draw(mask, feature.geometry.polygons, class_index(feature.name, task))
        except UnclearShape as error:
            raise UnclearShape(f"feature {number}: {error}") from error
    return mask


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
