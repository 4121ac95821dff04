"""Truth as other tools have it: written, and read by the tree's own readers and by pycocotools, shapely and the SDK."""

from __future__ import annotations

import csv
import io
import json
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from annotated import TASK, drawn, masks
from annotation_documents import SQUARE
from hypothesis import given, settings
from pycocotools import mask as pycocotools
from shapely.geometry import Polygon, shape
from test_annotation_label_studio import BRUSH

from components.imaging.annotations import brush
from components.imaging.annotations.content import content_of
from components.imaging.annotations.document import AnnotatedImage, mask_of
from components.imaging.annotations.registry import FORMATS
from components.imaging.annotations.target import Labelled
from components.imaging.annotations.target_registry import TARGETS
from components.imaging.files.codecs import decode_indices
from components.imaging.files.unreadable import UnreadableImage

NAMES = ("films/a b.png", "films/ü&<x>.png")
READERS = {"coco": "coco", "cvat": "cvat", "label-studio": "label_studio", "qupath": "geojson"}
MAIN = {"coco": "coco.json", "cvat": "annotations.xml", "label-studio": "tasks.json"}
DOCUMENTS = pytest.mark.parametrize("target", READERS)


def written(target: str, *truths: np.ndarray) -> dict[str, str]:
    """The files, by their paths."""
    chosen = TARGETS[target]
    images = [Labelled(name, mask, name[:-4], f"../in/{name}") for name, mask in zip(NAMES, truths, strict=False)]
    files: dict[str, bytes] = defaultdict(bytes)
    for path, content in chosen.join((chosen.draw(image, TASK) for image in images), TASK):
        files[path] += content
    return {path: content.decode("latin-1" if path.endswith(".png") else "utf-8") for path, content in files.items()}


def read(target: str, files: dict[str, str]) -> list[AnnotatedImage]:
    own = FORMATS[READERS[target]]
    documents = {path: content_of(text) for path, text in files.items() if path == MAIN.get(target, path)}
    assert all(own.told(content) for content in documents.values())
    return [image for path, content in documents.items() for image in own.read(content, Path(path).stem)]


def filled(image: AnnotatedImage, truth: np.ndarray) -> np.ndarray:
    """GeoJSON does not tell the size of an image, and a task of Label Studio without strokes neither."""
    return mask_of(AnnotatedImage(image.file, image.pieces, truth.shape, image.fault), TASK, 1000)


@DOCUMENTS
@given(first=masks(), second=masks((0, 1, 255)))
@settings(max_examples=40, deadline=None)
def test_masks_come_back_of_all_images(target: str, first: np.ndarray, second: np.ndarray) -> None:
    images = read(target, written(target, first, second))
    for name, truth, image in zip(NAMES, (first, second), images, strict=True):
        assert image.file == (Path(name).stem if target == "qupath" else name)
        assert image.size in (truth.shape, None)
        np.testing.assert_array_equal(filled(image, truth), np.where(truth == 255, 0, truth))


@DOCUMENTS
def test_classes_go_along_with_their_names_and_colours(target: str) -> None:
    text = "".join(written(target, drawn("12", "33")).values())
    for index, name in enumerate(TASK.classes, 1):
        colour = TASK.colour(index)
        assert name in text
        assert any(each in text for each in (bytes(colour).hex(), str([*colour]), str([*colour]).replace(" ", "")))


@given(masks())
@settings(max_examples=60, deadline=None)
def test_polygons_of_cvat_are_valid_and_the_same_to_others(mask: np.ndarray) -> None:
    again = np.zeros_like(mask)
    for each in content_of(written("cvat", mask)["annotations.xml"]).iter("polygon"):
        corners = [tuple(map(float, pair.split(","))) for pair in each.get("points").split(";")]
        encoded = pycocotools.frPyObjects([[value for corner in corners for value in corner]], *mask.shape)
        inside = pycocotools.decode(encoded)[..., 0] > 0
        assert (Polygon(corners).is_valid, Polygon(corners).area) == (True, inside.sum())
        again[inside] = TASK.classes.index(each.get("label")) + 1
    np.testing.assert_array_equal(again[again > 0], mask[again > 0])


def test_what_a_polygon_cannot_hold_is_a_mask_of_its_box() -> None:
    [image] = content_of(written("cvat", drawn("....", ".111", ".1.1", ".111", "2..."))["annotations.xml"]).iter(
        "image"
    )
    polygon, mask = sorted(image, key=lambda each: each.tag, reverse=True)
    assert (polygon.tag, polygon.get("label"), polygon.get("points")) == (
        "polygon",
        "malignant",
        "0.00,4.00;1.00,4.00;1.00,5.00;0.00,5.00",
    )
    assert [mask.get(key) for key in ("label", "rle", "left", "top", "width", "height")] == [
        "benign",
        *("0, 4, 1, 4", "1", "1", "3", "3"),
    ]
    touching = content_of(written("cvat", drawn("1.", ".1"))["annotations.xml"])
    assert [each.get("rle") for each in touching.iter("mask")] == ["0, 1, 2, 1"]


def test_coco_and_geojson_are_what_others_read() -> None:
    mask = drawn("111.", "1.1.", "1113")
    document = json.loads(written("coco", mask, mask)["coco.json"])
    assert [each["id"] for each in document["annotations"]] == [1, 2, 3, 4]
    [ring, _] = [each for each in document["annotations"] if each["image_id"] == 2]
    np.testing.assert_array_equal(pycocotools.decode(ring["segmentation"]), mask == 1)
    [holed, _] = json.loads(written("qupath", mask)["films/a b.geojson"])["features"]
    assert (shape(holed["geometry"]).is_valid, shape(holed["geometry"]).area) == (True, 8)


def test_strokes_are_those_of_their_own_converter() -> None:
    # It adds an empty byte where the bits end with one.
    assert [*brush.run_lengths(SQUARE > 0).tolist(), 0] == BRUSH
    large = np.zeros((700, 300), bool)
    large[650:, 7] = True
    np.testing.assert_array_equal(brush.painted_pixels(brush.run_lengths(large), *large.shape), large)


@given(masks((0, 1)))
@settings(max_examples=20, deadline=None)
def test_their_own_reader_has_the_same_strokes(mask: np.ndarray) -> None:
    theirs = pytest.importorskip("label_studio_sdk.converter.brush")
    values = theirs.decode_rle(brush.run_lengths(mask > 0).tolist())
    np.testing.assert_array_equal(values.reshape(*mask.shape, 4)[..., 3], mask * 255)


@given(masks((0, 1, 255)))
@settings(max_examples=30, deadline=None)
def test_masks_of_folders_and_what_is_judged(mask: np.ndarray) -> None:
    files = written("folders", mask)
    pixels = decode_indices(files["masks/films/a b.png"].encode("latin-1"))
    np.testing.assert_array_equal(pixels, np.where(mask == 255, 0, mask))
    [row] = csv.DictReader(io.StringIO(files["manifest.csv"]))
    assert (row["image"], row["mask"]) == ("../in/films/a b.png", "masks/films/a b.png")
    assert bool(row["region"]) == (255 in mask)
    if row["region"]:
        region = decode_indices(files[row["region"]].encode("latin-1"))
        np.testing.assert_array_equal(region == 0, mask == 255)
    assert files["classes.csv"].splitlines()[1] == f"1,benign,#{bytes(TASK.colour(1)).hex()}"


@pytest.mark.parametrize(("target", "name"), [("cvat", "a\x01.png"), ("folders", "a\\b.png"), ("folders", " a.png")])
def test_names_that_a_form_cannot_hold_are_named(target: str, name: str) -> None:
    with pytest.raises(UnreadableImage, match="ename it"):
        TARGETS[target].draw(Labelled(name, drawn("1"), "a", name), TASK)
