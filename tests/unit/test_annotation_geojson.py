"""GeoJSON of masks and back, and as QuPath's versions export it."""

from __future__ import annotations

import json
import uuid
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from annotated import TASK, drawn, masks
from hypothesis import given
from shapely.geometry import shape

from components.imaging.annotations.document import mask_of
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


def read(content: Any, height: int, width: int, task: Task = TASK) -> np.ndarray:
    (image,) = read_geojson(content, "film")
    return mask_of(replace(image, size=(height, width)), task, 1000)


@given(masks())
def test_masks_come_back(mask: np.ndarray) -> None:
    content = write_geojson(regions_of(mask), TASK)
    np.testing.assert_array_equal(read(json.loads(content), *mask.shape), mask)
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
    mask = read(document, 4, 3)
    # Of the diagonal's pixels the centres lie on it, and what lies on a right or lower side is outside.
    np.testing.assert_array_equal(mask, drawn("22.", "2..", "...", "..."))


def test_holes_are_left_out_whichever_way_they_run() -> None:
    square = [[0, 0], [3, 0], [3, 3], [0, 3], [0, 0]]
    hole = [[1, 1], [2, 1], [2, 2], [1, 2], [1, 1]]
    for ring in (hole, hole[::-1]):
        np.testing.assert_array_equal(read([feature([square, ring], name="benign")], 3, 3), drawn("111", "1.1", "111"))


def test_of_one_class_no_name_is_needed() -> None:
    assert read([feature()], 1, 1, Task()).tolist() == [[1]]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("text", "not GeoJSON of polygons"),
        ({}, "not GeoJSON of polygons: features: Field required"),
        ([feature([1, 2], "Point")], "feature 1: cannot be read: geometry: .*'Point'"),
        ([feature([[[0, 0], [float("nan"), 1], [2, 2]]])], "a finite number"),
        ([feature(name="Tumor")], "feature 1: of class 'Tumor', expected benign or malignant"),
        ([feature(name="benign"), feature()], "feature 2: of no class, expected benign"),
        ([feature([[[9, 9], [12, 9], [9, 12]]], name="benign")], "feature 1: covers no pixel"),
        ([feature([[]], name="benign")], "feature 1: the polygon of no points"),
    ],
)
def test_what_is_none_is_named(content: Any, reason: str) -> None:
    with pytest.raises(UnclearShape, match=reason):
        read(content, 5, 5)
