"""Label Studio's exports: shapes in percent, and run lengths of the brush as its own converter writes them."""

from __future__ import annotations

import time
from typing import Any

import annotation_documents as documents
import numpy as np
import pytest
from annotation_documents import HEIGHT, SQUARE, WIDTH

from components.imaging.annotations.brush import painted_pixels, run_lengths
from components.imaging.annotations.document import AnnotatedImage, mask_of
from components.imaging.annotations.label_studio import read_label_studio
from components.imaging.truth.shapes import UnclearShape
from components.task import Task

BRUSH = [
    *(0, 0, 1, 224, 57, 27, 254, 107, 0, 194, 127, 248, 108, 3, 9, 255, 225, 176, 12, 39, 255, 134, 192, 48, 159, 254),
    *(207, 0, 0),
]
"""What `mask2rle` of label-studio-sdk 2.1.2 makes of `SQUARE`."""


def read(kind: str, **value: Any) -> AnnotatedImage:
    tasks = documents.label_studio(["a.png"])
    size = {"original_width": WIDTH, "original_height": HEIGHT}
    tasks[0]["annotations"][0]["result"] = [{"id": "r", "type": kind, "value": {kind: ["mass"], **value}, **size}]
    return read_label_studio(tasks, "")[0]


def drawn(image: AnnotatedImage) -> np.ndarray:
    return mask_of(image, Task(classes=["mass", "other"]), 1000)


def test_strokes_of_a_brush() -> None:
    np.testing.assert_array_equal(drawn(read("brushlabels", format="rle", rle=BRUSH)), SQUARE)


@pytest.mark.parametrize("density", [0.05, 0.5, 0.95])
def test_their_own_converter_writes_what_is_read(density: float) -> None:
    brush = pytest.importorskip("label_studio_sdk.converter.brush")
    mask = np.random.default_rng(1).random((11, 23)) < density
    mask = np.kron(mask, np.ones((5, 3))) > 0
    lengths = np.array(brush.mask2rle(mask.astype(np.uint8) * 255), np.uint8)
    np.testing.assert_array_equal(painted_pixels(lengths, *mask.shape), mask)


def test_a_rectangle_turns_about_its_upper_left_corner() -> None:
    box = read("rectanglelabels", x=75, y=20, width=100 / 3, height=20, rotation=90)
    # 4 x 2 pixels from (9, 2) on, to the left and downwards.
    expected = np.zeros_like(SQUARE)
    expected[2:6, 7:9] = 1
    np.testing.assert_array_equal(drawn(box), expected)


def test_an_ellipse() -> None:
    oval = read("ellipselabels", x=50, y=50, radiusX=100 / 6, radiusY=40, rotation=0)
    y, x = np.indices(SQUARE.shape) + 0.5
    np.testing.assert_array_equal(drawn(oval), ((x - 6) / 2) ** 2 + ((y - 5) / 4) ** 2 <= 1)


def test_files_are_called_as_they_were_before_they_were_uploaded() -> None:
    tasks = documents.label_studio(["a b.png"])
    tasks[0]["data"]["image"] = "/data/local-files/?d=films%2F0a1b2c3d-a%20b.png"
    [image] = read_label_studio(tasks, "")
    assert (image.file, image.otherwise) == ("films/0a1b2c3d-a b.png", "films/a b.png")


@pytest.mark.parametrize(
    ("kind", "value", "reason"),
    [
        ("brushlabels", {"rle": BRUSH[:-6]}, "task 1 result r: the run lengths of the brush are cut short"),
        (
            "brushlabels",
            {"rle": [0, 0, 1, 225]},
            "task 1 result r: the run lengths of the brush tell 481 values",
        ),
        ("brushlabels", {"rle": [256]}, "task 1 result r: cannot be read: rle.0"),
        ("keypointlabels", {}, "task 1 result r: keypointlabels enclose nothing"),
        (
            "polygonlabels",
            {"polygonlabels": ["a", "b"], "points": []},
            "task 1 result r: has the labels",
        ),
    ],
)
def test_what_is_none_is_named(kind: str, value: dict[str, Any], reason: str) -> None:
    with pytest.raises(UnclearShape, match=reason):
        drawn(read(kind, **value))


@pytest.mark.parametrize(("annotations", "count"), [([], 0), (2 * documents.label_studio(["a"])[0]["annotations"], 2)])
def test_tasks_of_no_or_several_annotations_are_unclear(annotations: list[Any], count: int) -> None:
    tasks = documents.label_studio(["a.png"])
    tasks[0]["annotations"] = annotations
    assert read_label_studio(tasks, "")[0].fault == f"task 1: has {count} annotations, expected one"


def test_a_stroke_of_many_runs_is_read_in_time() -> None:
    mask = np.arange(2**18).reshape(512, 512) % 2 > 0
    content = run_lengths(mask)
    begin = time.process_time()
    np.testing.assert_array_equal(painted_pixels(content, 512, 512), mask)
    assert time.process_time() - begin < 4
