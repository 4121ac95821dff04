"""GeoJSON of masks and back, and as QuPath's versions export it."""

from __future__ import annotations

import json
import uuid
from typing import Any

import numpy as np
import pytest
from annotated import TASK, drawn, masks
from hypothesis import given
from shapely.geometry import shape

from components.imaging.annotations.geojson import read_geojson, write_geojson
from components.imaging.annotations.regions import regions_of
from components.imaging.truth.shapes import UnclearShape
from components.task import Task

TRIANGLE = [[[0, 0], [3, 0], [0, 3], [0, 0]]]


def feature(coordinates: Any = TRIANGLE, kind: str = "Polygon", **classification: Any) -> dict[str, Any]:
    """As QuPath 0.2 exported one."""
    return {
        "type": "Feature",
        "id": "PathAnnotationObject",
        "geometry": {"type": kind, "coordinates": coordinates},
        "properties": {"classification": classification, "isLocked": False, "measurements": []},
    }


@given(masks())
def test_masks_come_back(mask: np.ndarray) -> None:
    content = write_geojson(regions_of(mask), TASK)
    np.testing.assert_array_equal(read_geojson(content, *mask.shape, TASK), mask)
    features = json.loads(content)["features"]
    assert all(shape(each["geometry"]).is_valid for each in features)
    assert len({uuid.UUID(each["id"]) for each in features}) == len(features)


def test_a_feature_says_what_it_is() -> None:
    found = regions_of(drawn("2", "."))
    (written,) = json.loads(write_geojson(found, TASK, [{"Mean probability": 0.75}]))["features"]
    assert written["geometry"] == {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]]]}
    assert written["properties"] == {
        "objectType": "annotation",
        "classification": {"name": "malignant", "color": [*TASK.colour(2)]},
        "measurements": {"Mean probability": 0.75},
    }


@pytest.mark.parametrize(
    "document",
    [
        [feature(name="malignant", colorRGB=-3670016)],
        {"type": "FeatureCollection", "features": [feature(name="malignant", color=[200, 0, 0])]},
        [feature([TRIANGLE, TRIANGLE], "MultiPolygon", name="malignant")],
        [feature(name="benign"), feature(names=["malignant"])],
        [feature([[[*point, 0] for point in TRIANGLE[0]]], name="malignant")],
    ],
    ids=["before 0.3", "collection", "several polygons", "the later lies over", "three coordinates"],
)
def test_what_qupath_exports_is_read(document: Any) -> None:
    mask = read_geojson(json.dumps(document).encode(), 4, 3, TASK)
    # Of the diagonal's pixels the centres lie on it, and what lies on a right or lower side is outside.
    np.testing.assert_array_equal(mask, drawn("22.", "2..", "...", "..."))


def test_holes_are_left_out_whichever_way_they_run() -> None:
    square = [[0, 0], [3, 0], [3, 3], [0, 3], [0, 0]]
    hole = [[1, 1], [2, 1], [2, 2], [1, 2], [1, 1]]
    for ring in (hole, hole[::-1]):
        content = json.dumps([feature([square, ring], name="benign")]).encode()
        np.testing.assert_array_equal(read_geojson(content, 3, 3, TASK), drawn("111", "1.1", "111"))


def test_of_one_class_no_name_is_needed() -> None:
    assert read_geojson(json.dumps([feature()]).encode(), 1, 1, Task()).tolist() == [[1]]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"\x89PNG", "not GeoJSON of polygons"),
        (b"[" * 100_000, "not GeoJSON of polygons: nested too deeply"),
        (b"{}", "not GeoJSON of polygons: features: Field required"),
        (json.dumps([feature([1, 2], "Point")]).encode(), "features.0.geometry: .*'Point'"),
        (json.dumps([feature([[[0, 0], [float("nan"), 1], [2, 2]]])]).encode(), "a finite number"),
        (json.dumps([feature(name="Tumor")]).encode(), "feature 1: of class 'Tumor', expected benign or malignant"),
        (json.dumps([feature(name="benign"), feature()]).encode(), "feature 2: of no class, expected benign"),
        (json.dumps([feature([[[9, 9], [12, 9], [9, 12]]], name="benign")]).encode(), "feature 1: covers no pixel"),
        (json.dumps([feature([[]], name="benign")]).encode(), "feature 1: the polygon of no points"),
    ],
)
def test_what_is_none_is_named(content: bytes, reason: str) -> None:
    with pytest.raises(UnclearShape, match=reason):
        read_geojson(content, 5, 5, TASK)
