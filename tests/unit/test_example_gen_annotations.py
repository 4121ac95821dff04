"""Layout `annotations`: images found by the names in documents, of any format."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import annotation_documents as documents
import numpy as np
import pytest
from annotation_documents import DOCUMENTS, HEIGHT, SQUARE, WIDTH, write_folder

from components.errors import UsageError
from components.example_gen.drawing import place
from components.example_gen.layouts import annotations as layout
from components.example_gen.layouts.settings import Reading
from components.example_gen.listing import detect_layout
from components.example_gen.samples import Drawing, Listing, NotLaidOut
from components.example_gen.settings import DataSettings
from components.example_gen.truth import Picture, read_truth
from components.example_gen.unusable import Unusable
from components.imaging.files.codecs import SUFFIXES, encode_png
from components.imaging.truth.shapes import rasterized
from pipeline.runs.check import check_folder

NAMES = ["a.png", "b.png", "c.png"]


def listing(root: Path, **settings: Any) -> Listing:
    return layout.list_annotations(root, Reading(**settings))


def rejects(found: Listing) -> dict[str, str]:
    return {reject.source: reject.reason for reject in found.rejects}


def touch(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"")


def dump(path: Path, document: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document))


@pytest.mark.parametrize("name", DOCUMENTS)
def test_check_reads_a_folder_of_every_format(name: str, tmp_path: Path) -> None:
    write_folder(tmp_path, name, NAMES)
    report = check_folder(tmp_path, None, ["data.layout=annotations"])
    assert (report["sources"], report["rejects"]) == (3, [])
    found = listing(tmp_path)
    assert len(found.samples) == 3
    for sample in found.samples:
        assert isinstance(sample.truth, Drawing)
        np.testing.assert_array_equal(rasterized(HEIGHT, WIDTH, place(sample.truth, HEIGHT, WIDTH)), SQUARE)
        assert sample.label == "mass"


@pytest.mark.parametrize("name", ["coco", "cvat", "geojson", "inbreast"])
def test_what_is_told_by_its_names(name: str, tmp_path: Path) -> None:
    write_folder(tmp_path, name, NAMES)
    assert detect_layout(tmp_path) == "annotations"


def test_nothing_is_lost_silently(tmp_path: Path) -> None:
    """Of five images and four names two are samples, one of them empty."""
    touch(tmp_path, *(f"images/{name}.png" for name in ("a", "empty", "wrong", "unnamed", "twice")), "images/twice.jpg")
    touch(tmp_path, "images/notes.md")
    document = documents.coco(["a.png", "empty.png", "wrong.png", "gone.png", "twice.png"])
    del document["annotations"][1]
    document["annotations"][1]["segmentation"] = []
    dump(tmp_path / "coco.json", document)
    (tmp_path / "broken.json").write_text("{")
    dump(tmp_path / "package.json", {"name": "no annotations"})
    found = listing(tmp_path)
    assert [(sample.id, bool(sample.truth.shapes)) for sample in found.samples] == [("a", True), ("empty", False)]
    assert rejects(found) == {
        "broken.json": "not JSON: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)",
        "images/notes.md": f"a file of a kind that is not read; expected {', '.join(sorted(SUFFIXES))}",
        "gone.png": "in coco.json, but there is no such image",
        "images/wrong.png": "coco.json: annotation 2: has no segmentation: a box alone is no outline",
        "images/unnamed.png": "no document names it: whether it shows anything is not known",
        "images/twice.png": "several files of one name: twice.jpg, twice.png",
        "images/twice.jpg": "several files of one name: twice.jpg, twice.png",
    }


def test_an_image_of_two_documents_is_a_reject(tmp_path: Path) -> None:
    touch(tmp_path, "a.png")
    for file in ("one.json", "other.json"):
        dump(tmp_path / file, documents.coco(["a.png"]))
    reason = "named 2 times, in one.json, other.json: which is right is not known"
    assert rejects(listing(tmp_path)) == {"a.png": reason}
    assert len(listing(tmp_path, table="one.json").samples) == 1


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("A.PNG", "a.png"),
        ("a", "a.png"),
        ("a.tif", "a.png"),
        ("535.0", "535.dcm"),
        ("C:\\data\\x\\a.png", "x/a.png"),
        ("../other/a.png", "a.png"),
        ("1.2.3", "1.2.3.png"),
    ],
)
def test_names_are_found_with_some_liberty(tmp_path: Path, name: str, file: str) -> None:
    touch(tmp_path, f"images/{file}", "images/z.png")
    dump(tmp_path / "coco.json", documents.coco([name]))
    assert [sample.image for sample in listing(tmp_path).samples] == [f"images/{file}"]


def test_a_name_that_may_be_several_images_is_none(tmp_path: Path) -> None:
    touch(tmp_path, "p/a.png", "q/a.png", "q/A.png")
    dump(tmp_path / "coco.json", documents.coco(["a.png"]))
    assert rejects(listing(tmp_path))["a.png"] == "coco.json: 'a.png' may be any of 2 images: a.png, a.png"
    dump(tmp_path / "coco.json", documents.coco(["x/q/a.png"]))
    assert [sample.id for sample in listing(tmp_path).samples] == ["q/a"]


def test_splits_are_told_by_folders_and_else_by_documents(tmp_path: Path) -> None:
    """Of images of one name that is meant which stands beside the document, or in a folder of its split."""
    touch(tmp_path, "train/a.png", "val/a.png", "test/b.png", "more/c.png")
    dump(tmp_path / "train/coco.json", documents.coco(["a.png"]))
    dump(tmp_path / "instances/val.json", documents.coco(["a.png", "c.png"]))
    found = listing(tmp_path, told_splits={"train": "train", "val": "eval", "test": "none"})
    assert [(each.image, each.split) for each in found.samples] == [
        ("more/c.png", "eval"),
        ("train/a.png", "train"),
        ("val/a.png", "eval"),
    ]
    assert ([each.source for each in found.left_out], found.rejects) == (["test/b.png"], ())


def test_documents_that_cannot_be_read_have_no_format(tmp_path: Path) -> None:
    touch(tmp_path, "a.png", "b.png")
    dump(tmp_path / "a.json", documents.labelme("a.png"))
    (tmp_path / "b.json").write_text("{")
    assert rejects(listing(tmp_path)).keys() == {"b.json", "b.png"}


def test_classes_are_told_by_name_and_others_are_named(tmp_path: Path) -> None:
    touch(tmp_path, "a.png", "b.png")
    document = documents.coco(["a.png", "b.png"])
    document["categories"].append({"id": 8, "name": "Calcification"})
    document["annotations"][1]["category_id"] = 8
    dump(tmp_path / "coco.json", document)
    found = listing(tmp_path, classes=["calcification", "Mass"])
    assert [sample.truth.shapes[0].class_index for sample in found.samples] == [2, 1]
    assert rejects(listing(tmp_path, classes=["mass"])) == {
        "b.png": "coco.json: annotation 1: of class 'Calcification', which is none of [data] classes: mass; "
        "[data] labels chooses what is drawn"
    }
    found = listing(tmp_path, labels=["mass"], classes=["mass"])
    assert ([sample.id for sample in found.samples], [each.source for each in found.left_out]) == (["a"], ["b.png"])


def test_the_size_that_a_document_tells_is_that_of_its_shapes(tmp_path: Path) -> None:
    touch(tmp_path, "a.png")
    dump(tmp_path / "coco.json", documents.coco(["a.png"]))
    [sample] = listing(tmp_path).samples
    assert isinstance(sample.truth, Drawing)
    assert sample.truth.canvas == (HEIGHT, WIDTH)


def test_masks_of_cbis_ddsm_are_fitted_to_their_film_or_refused(tmp_path: Path) -> None:
    """The second mask of the first film has half its size; that of the second film is another's, by its aspect."""
    rows = ["patient_id,pathology,image file path,cropped image file path,ROI mask file path"]
    for film, patient, masks in (("F1", "P_1", (1, 2)), ("F2", "P_2", (3,))):
        for number in masks:
            folder = tmp_path / f"{film}_{number}/uid"
            folder.mkdir(parents=True)
            size = {1: (20, 24), 2: (10, 12), 3: (10, 10)}[number]
            mask = np.zeros(size, np.uint8)
            mask[size[0] // 2 :, 2 * number : 2 * number + 2] = 255
            (folder / "000001.png").write_bytes(encode_png(mask))
            (folder / "000000.png").write_bytes(encode_png(np.ones((3, 3), np.uint8)))
            where = [f"{film}/uid/000000.dcm", *(f"{film}_{number}/uid/00000{n}.dcm" for n in (0, 1))]
            rows.append(
                f"{patient},BENIGN,{','.join(where)}\n" if number > 1 else f"{patient},BENIGN,{','.join(where)}"
            )
        (tmp_path / film / "uid").mkdir(parents=True)
        noise = np.random.default_rng(masks[0]).integers(0, 200, (20, 24)).astype(np.uint8)
        (tmp_path / film / "uid/000000.png").write_bytes(encode_png(noise))
    (tmp_path / "mass_case_description_train_set.csv").write_text("\n".join(rows))
    assert detect_layout(tmp_path) == "annotations"
    found = listing(tmp_path)
    assert found.rejects == ()
    assert [(sample.group, sample.label) for sample in found.samples] == [("P_1", "benign"), ("P_2", "benign")]
    data = DataSettings(layout="annotations", height=32, width=32)
    mask = read_truth(tmp_path, Picture(found.samples[0], (20, 24), 1), data).classes
    expected = np.zeros((20, 24), np.uint8)
    expected[10:, 2:4] = expected[10:, 8:12] = 1
    np.testing.assert_array_equal(mask, expected)
    with pytest.raises(Unusable, match=r"the image is 24 x 20 pixels, its mask F2_3/uid/000001.png 10 x 10"):
        read_truth(tmp_path, Picture(found.samples[1], (20, 24), 1), data)


def test_several_formats_are_not_mixed_unasked(tmp_path: Path) -> None:
    touch(tmp_path, "a.png")
    dump(tmp_path / "coco.json", documents.coco(["a.png"]))
    dump(tmp_path / "a.json", documents.labelme("a.png"))
    with pytest.raises(UsageError, match=r"documents of coco and labelme. Set \[data\] format, or table"):
        listing(tmp_path)
    assert len(listing(tmp_path, format="labelme").samples) == 1


def test_no_document(tmp_path: Path) -> None:
    touch(tmp_path, "images/a.png")
    dump(tmp_path / "package.json", {})
    with pytest.raises(NotLaidOut, match="no document of annotations, expected one of coco, labelme"):
        listing(tmp_path)
    with pytest.raises(UsageError, match=r"package.json: no document of coco or .* Set \[data\] format"):
        listing(tmp_path, table="package.json")


def test_a_pipe_in_place_of_a_document_is_named(tmp_path: Path) -> None:
    touch(tmp_path, "images/a.png")
    for name in ("a.json", "b.xml", "c.csv"):
        os.mkfifo(tmp_path / name)
    (tmp_path / "d.json").symlink_to("nowhere")
    assert rejects(listing(tmp_path)) == {
        "a.json": "is a named pipe, expected a file",
        "b.xml": "is a named pipe, expected a file",
        "c.csv": "not a file: a link that points nowhere, or a device",
        "d.json": "not a file: a link that points nowhere, or a device",
        "images/a.png": "no document names it: whether it shows anything is not known",
    }
    assert rejects(listing(tmp_path, table="c.csv"))["c.csv"] == "is a named pipe, expected a file"


def test_what_breaks_a_reader_is_a_reject(tmp_path: Path) -> None:
    touch(tmp_path, "images/a.png")
    task = {"data": {"image": "http://["}, "annotations": [{"result": []}]}
    dump(tmp_path / "a.json", [task])
    assert "Invalid IPv6 URL" in rejects(listing(tmp_path))["a.json"]
