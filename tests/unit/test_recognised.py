"""Folders that no layout reads as they stand: what is said of each, followed, leads to a listing."""

from __future__ import annotations

import csv
import json
import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from components.errors import UsageError
from pipeline.cli.check_tables import print_check
from pipeline.runs.check import check_folder

POINTS = [[4, 4], [12, 4], [12, 12], [4, 12]]
LABELME = {"shapes": [{"label": "lesion", "points": POINTS, "shape_type": "polygon"}], "imagePath": "a.png"}
VIA_HEADER = [
    "filename",
    "file_size",
    "file_attributes",
    "region_count",
    "region_id",
    "region_shape_attributes",
    "region_attributes",
]


def put(path: Path, number: int, *, is_mask: bool = False) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(number).integers(0, 200, (24, 24)).astype(np.uint8)
    square = np.zeros((24, 24), np.uint8)
    square[4:13, 4 + number % 5 : 13] = 255
    assert cv2.imwrite(str(path), square if is_mask else noise)


def pairs(root: Path, image: str, mask: str, numbers: range = range(6)) -> None:
    for number in numbers:
        put(root / image.format(number), number)
        put(root / mask.format(number), number, is_mask=True)


def images(root: Path, name: str) -> None:
    for number in range(6):
        put(root / name.format(number), number)


def dump(path: Path, value: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value))


def coco(root: Path, file: str) -> None:
    images(root, "images/a{}.png")
    found = [{"id": n, "file_name": f"a{n}.png"} for n in range(6)]
    drawn = [{"image_id": n, "segmentation": [[each for point in POINTS for each in point]]} for n in range(6)]
    dump(root / file, {"images": found, "annotations": drawn, "categories": []})


def labelme(root: Path, image: str, file: str) -> None:
    images(root, image)
    for number in range(6):
        dump(root / file.format(number), LABELME)


def via(root: Path, file: str) -> None:
    images(root, "images/a{}.png")
    shape = {"name": "polygon", "all_points_x": [4, 12, 12], "all_points_y": [4, 4, 12]}
    if file.endswith(".json"):
        regions = [{"shape_attributes": shape, "region_attributes": {}}]
        dump(root / file, {f"a{n}.png1": {"filename": f"a{n}.png", "size": 1, "regions": regions} for n in range(6)})
        return
    with (root / file).open("w", newline="") as table:
        rows = [[f"a{n}.png", 1, "{}", 1, 0, json.dumps(shape), "{}"] for n in range(6)]
        csv.writer(table).writerows([VIA_HEADER, *rows])


def run_lengths(root: Path, file: str) -> None:
    images(root, "images/a{}.png")
    (root / file).write_text("".join(["ImageId,EncodedPixels\n", *(f"a{number},100 9 124 9\n" for number in range(6))]))


def mias(root: Path) -> None:
    images(root, "mdb00{}.pgm")
    (root / "info.txt").write_text("".join(f"mdb00{n} G CIRC B 500 500 90\n" for n in range(6)))


KINDS: dict[str, tuple[Callable[[Path], None], str]] = {
    "nnU-Net": (lambda root: pairs(root, "imagesTr/c{}_0000.png", "labelsTr/c{}.png"), "nnU-Net's channel suffix"),
    "longer images": (lambda root: pairs(root, "imgs/c{}_img.png", "gt/c{}.png"), "has more than its mask's"),
    "side by side": (lambda root: pairs(root, "P{0}/P{0}_1.tif", "P{0}/P{0}_1_mask.tif"), "stand beside each other"),
    "beside, flat": (lambda root: pairs(root, "b ({}).png", "b ({})_mask_1.png"), "stand beside each other"),
    "other names": (lambda root: pairs(root, "JPEGImages/a{}.png", "SegmentationClass/a{}.png"), "'JPEGImages', masks"),
    "longer masks": (lambda root: pairs(root, "image/I_{}.png", "label/I_{}_segmentation.png"), "mask_pattern"),
    "deeper": (lambda root: pairs(root, "set/training/images/{}.png", "set/training/gt/{}.png"), "set/training/gt"),
    "one level up": (lambda root: pairs(root, "data/images/{}.png", "data/masks/{}.png"), "'data' in it is laid out"),
    "COCO": (lambda root: coco(root, "annotations/instances.json"), "COCO's JSON"),
    "Roboflow": (lambda root: coco(root, "train/annotations.coco.json"), "COCO's JSON"),
    "LabelMe": (lambda root: labelme(root, "a{}.png", "a{}.json"), "LabelMe's JSON"),
    "LabelMe apart": (lambda root: labelme(root, "images/a{}.png", "annotations/a{}.json"), "LabelMe's JSON"),
    "VIA as JSON": (lambda root: via(root, "regions.json"), "JSON of the VGG Image Annotator"),
    "run lengths": (lambda root: run_lengths(root, "train.csv"), "a table of run lengths"),
    "VIA by its own name": (lambda root: via(root, "via_export_csv.csv"), "table of the VGG Image Annotator"),
    "MIAS in lower case": (mias, "truth table of MIAS films"),
}


def follow(root: Path, said: str) -> tuple[Path, str | None, list[str]]:
    """Does what a message says; the folder, the recipe and the overrides to try then."""
    recipe = "mias" if "recipe mias" in said else None
    if moved := re.search(r"laid out as layout '\w+': give (.+)\.$", said):
        return Path(moved[1]), None, []
    if "manifest.csv" in said:
        shown = re.search(r"\nimage,mask\n([^\n]+)\n", said)
        assert shown
        image, mask = shown[1].split(",")
        number = r"(?<=[a-zP(_/])0(?=\D)"
        rows = [",".join(re.sub(number, str(n), path) for path in (image, mask)) for n in range(6)]
        (root / "manifest.csv").write_text("\n".join(["image,mask", *rows]))
        return root, None, []
    keys = re.findall(r"""(\w+) = ("[^"]*"|'[^']*')""", said)
    return root, recipe, [f"data.{key}={json.dumps(tomllib.loads(f'v = {value}')['v'])}" for key, value in keys]


@pytest.mark.parametrize("kind", KINDS)
def test_the_way_that_is_named_leads_on(kind: str, tmp_path: Path) -> None:
    make, words = KINDS[kind]
    make(tmp_path)
    with pytest.raises(UsageError) as caught:
        check_folder(tmp_path, None, [])
    said = str(caught.value)
    assert words in said
    folder, recipe, overrides = follow(tmp_path, said)
    report = check_folder(folder, recipe, overrides)
    assert (report["sources"], [reject for reject in report["rejects"] if reject["kind"] != "lesion lost"]) == (6, [])


@pytest.mark.parametrize("names", [["0", "1", "2"], ["anna1", "bea2", "cleo3"]], ids=["numbers", "words"])
def test_names_that_no_pattern_pairs_are_told_once(
    tmp_path: Path, names: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """As of nnU-Net, read with both folders named."""
    for number, name in enumerate(names):
        put(tmp_path / f"imagesTr/{name}_0000.png", number)
        put(tmp_path / f"labelsTr/{name}.png", number, is_mask=True)
    overrides = ['data.images="imagesTr"', 'data.masks="labelsTr"']
    report = check_folder(tmp_path, "folders", overrides)
    one = names[0]
    first = report["rejects"][0]["reason"]
    assert "nnU-Net's channel suffix '_0000'" in first
    assert f"by rows such as imagesTr/{one}_0000.png,labelsTr/{one}.png below image,mask in manifest.csv" in first
    print_check(report)
    assert capsys.readouterr().out.count("nnU-Net") == 1


@pytest.mark.parametrize("content", ["[" * 50_000, "{", "", "null", "[]", '{"images": 3}', "\0"])
def test_a_file_that_is_none_of_them_does_no_harm(content: str, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(content)
    (tmp_path / "b.csv").write_text(content)
    with pytest.raises(UsageError, match=r"has no folder 'images'[^\n]*$"):
        check_folder(tmp_path, None, [])
