"""COCO's run lengths and documents, against pycocotools."""

from __future__ import annotations

import contextlib
import io
import json
from typing import Any

import numpy as np
import pytest
from annotated import TASK, drawn, masks
from hypothesis import given
from pycocotools import mask as pycocotools
from pycocotools.coco import COCO

from components.imaging.annotations.coco import read_coco, write_coco
from components.imaging.annotations.document import mask_of
from components.imaging.annotations.regions import regions_of
from components.imaging.annotations.rle import compressed, decompressed, run_lengths
from components.imaging.files.unreadable import TooManyPixels
from components.imaging.truth.shapes import UnclearShape

HALF = {"size": [2, 3], "counts": [2, 2, 2]}
"""The middle column of three."""


def document(segmentation: Any = HALF, **changed: Any) -> dict[str, Any]:
    """Of one image of 3 x 2 pixels and one annotation; category 7 is malignant."""
    annotation = {"id": 5, "image_id": 1, "category_id": 7, "iscrowd": 0, "segmentation": segmentation}
    return {
        "images": [{"id": 1, "file_name": "film.png", "height": 2, "width": 3}],
        "annotations": [annotation],
        "categories": [{"id": 7, "name": "malignant"}],
        **changed,
    }


def read(content: Any, max_pixels: int = 1000) -> list[np.ndarray]:
    return [mask_of(image, TASK, max_pixels) for image in read_coco(json.loads(json.dumps(content)))]


@given(masks(), masks())
def test_masks_come_back(first: np.ndarray, second: np.ndarray) -> None:
    written = write_coco([("first.png", regions_of(first)), ("second.png", regions_of(second))], TASK)
    for mask, again in zip((first, second), read(written), strict=True):
        np.testing.assert_array_equal(again, mask)


@given(masks())
def test_pycocotools_reads_what_is_written(mask: np.ndarray) -> None:
    theirs = COCO()
    theirs.dataset = json.loads(json.dumps(write_coco([("film.png", regions_of(mask))], TASK)))
    with contextlib.redirect_stdout(io.StringIO()):
        theirs.createIndex()
    again = np.zeros_like(mask)
    for annotation in theirs.loadAnns(theirs.getAnnIds(imgIds=1)):
        inside = theirs.annToMask(annotation)
        assert annotation["area"] == inside.sum()
        assert annotation["bbox"] == pycocotools.toBbox(theirs.annToRLE(annotation)).tolist()
        again[inside > 0] = annotation["category_id"]
    np.testing.assert_array_equal(again, mask)
    assert [theirs.cats[index]["name"] for index in (1, 2, 3)] == TASK.classes


@given(masks((0, 1)))
def test_run_lengths_are_those_of_pycocotools(mask: np.ndarray) -> None:
    text = pycocotools.encode(np.asfortranarray(mask))["counts"].decode()
    lengths = run_lengths(mask > 0, (0, 0), mask.shape)
    assert compressed(lengths) == text
    assert decompressed(text).tolist() == lengths.tolist()


def test_run_lengths_of_many_digits_are_those_of_pycocotools() -> None:
    mask = np.zeros((3000, 3000), np.uint8)
    mask[17:2900, 5] = mask[40, 2990:] = mask[1:, 20:1200] = 1
    assert compressed(run_lengths(mask > 0, (0, 0), mask.shape)) == (
        pycocotools.encode(np.asfortranarray(mask))["counts"].decode()
    )


@pytest.mark.parametrize(
    "segmentation",
    [HALF, {"size": [2, 3], "counts": compressed(np.array([2, 2, 2]))}, [[1, 0, 2, 0, 2, 2, 1, 2]]],
    ids=["uncompressed", "compressed", "polygon"],
)
def test_every_form_is_read(segmentation: Any) -> None:
    np.testing.assert_array_equal(read(document(segmentation))[0], drawn(".2.", ".2."))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ([], "not COCO's JSON of segmentations"),
        (
            document([[0, 0, 1, 1]]),
            "annotation 5: cannot be read: segmentation.polygons.0: List should have at",
        ),
        (document([]), "annotation 5: has no segmentation: a box alone is no outline"),
        (document({"size": [3, 2], "counts": [2, 2, 2]}), r"annotation 5: is of the size \[3, 2\], expected \[2, 3\]"),
        (document({"size": [2, 3], "counts": [2, 2]}), "annotation 5: the run lengths tell 4 pixels, expected 3 x 2"),
        (document({"size": [2, 3], "counts": [6]}), "annotation 5: the run lengths have nothing inside"),
        (document({"size": [2, 3], "counts": "\x7f"}), "annotation 5: .* are no compressed run lengths"),
        (document({"size": [2, 3], "counts": "P" * 9 + "0"}), "annotation 5: .* more pixels than an image has"),
        (document({"size": [2, 3], "counts": "M1"}), "annotation 5: the run lengths are negative"),
        (document(categories=[{"id": 7, "name": "cat"}]), "annotation 5: of class 'cat', expected benign or malig"),
        (document(categories=[]), "annotation 5: is of category 7, which is not in the document"),
        (document(images=[]), "annotation 5: is on image 1, which is not in the document"),
        (document(images=2 * document()["images"]), "two images or two categories of one id"),
    ],
)
def test_what_is_none_is_named(content: Any, reason: str) -> None:
    with pytest.raises(UnclearShape, match=reason):
        read(content)


def test_sizes_are_bounded() -> None:
    with pytest.raises(TooManyPixels, match="3 x 2 = 6 pixels"):
        read(document(), max_pixels=5)
