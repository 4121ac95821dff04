"""`maskline convert DIR`: truth of a folder in the form of another tool, read again as that tool's export would be."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from components.example_gen.core import read_source
from components.example_gen.listing import list_grouped
from components.imaging.annotations.target_registry import TARGETS
from components.imaging.files.codecs import encode_png
from pipeline.cli.app import app
from pipeline.runs.convert_truth import stems_of
from pipeline.runs.read_as import read_as

HEIGHT, WIDTH, COUNT = 28, 32, 6


def truth(number: int) -> np.ndarray:
    """A ring of class 1 round a pixel of class 2, pixels that touch at a corner, one at the border; one is empty."""
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    if number < COUNT - 1:
        # Thick: what lies thinly between others might be no class, which is asked.
        mask[3 : 17 + number, 2:20], mask[4:6, 4:7], mask[5, 5] = 1, 0, 2
        mask[22, 24] = mask[23, 25] = mask[27, 31] = 2
    return mask


def name_of(number: int) -> str:
    return f"p{number // 2}/film {number % 2}.png"


def folder(root: Path, *, ignored: bool = False) -> Path:
    for number in range(COUNT):
        noise = np.random.default_rng(number).integers(0, 200, (HEIGHT, WIDTH)).astype(np.uint8)
        mask = truth(number)
        if ignored and number == 1:
            mask[:, 20:23] = 255
        for kind, pixels in (("images", noise), ("masks", mask)):
            path = root / kind / name_of(number)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(encode_png(pixels))
    return root


def convert(source: Path, target: str, out: Path, *more: str) -> tuple[int, dict[str, Any]]:
    result = CliRunner().invoke(app, ["convert", str(source), "--to", target, "--out", str(out), *more, "--json"])
    return result.exit_code, json.loads(result.stdout)


def masks_of(root: Path) -> dict[str, np.ndarray]:
    """By the names of images, as a folder is read by itself."""
    found, config = read_as(root, None, [])
    listing, _ = list_grouped(found, config.records)
    assert not listing.rejects
    return {
        sample.image.partition("images/")[2]: read_source(found, sample, config.records).truth.classes
        for sample in listing.samples
    }


@pytest.mark.parametrize("target", TARGETS)
def test_the_same_masks_are_read_of_what_is_written(target: str, tmp_path: Path) -> None:
    code, told = convert(folder(tmp_path / "in"), target, tmp_path / "made/out")
    assert (code, told["converted"], told["rejects"], told["not_held"]["pixels"]) == (0, COUNT, [], 0)
    assert told["classes"] == ["class_1", "class_2"]
    if target != "folders":
        shutil.copytree(tmp_path / "in/images", tmp_path / "made/out/images", dirs_exist_ok=True)
    again = masks_of(tmp_path / "made/out")
    assert {*again} == {name_of(number) for number in range(COUNT)}
    for number in range(COUNT):
        np.testing.assert_array_equal(again[name_of(number)], truth(number))
    checked = CliRunner().invoke(app, ["check", str(tmp_path / "made/out"), "--json"])
    assert json.loads(checked.stdout)["rejects"] == []


@pytest.mark.parametrize("target", TARGETS)
def test_pixels_that_are_not_judged_are_kept_or_counted(target: str, tmp_path: Path) -> None:
    code, told = convert(folder(tmp_path / "in", ignored=True), target, tmp_path / "out")
    lost = {"images": 0, "pixels": 0} if target == "folders" else {"images": 1, "pixels": 3 * HEIGHT}
    assert (code, told["not_held"]) == (0, lost)
    said = CliRunner().invoke(app, ["convert", str(tmp_path / "in"), "--to", target, "--out", str(tmp_path / "more")])
    assert (f"{3 * HEIGHT} pixels of 1 images are not judged" in said.output) == (target != "folders")
    if target == "folders":
        expected = truth(1)
        expected[:, 20:23] = 255
        np.testing.assert_array_equal(masks_of(tmp_path / "out")["p0/film 1.png"], expected)


def test_the_names_of_classes_and_what_is_known_of_images_go_along(tmp_path: Path) -> None:
    given = folder(tmp_path / "in")
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(
        '[data]\nlayout = "folders"\nheight = 32\nwidth = 32\nclasses = ["mass", "cyst"]\nmask = {form = "indices"}\n'
        'groups = {by = "folder"}\n[training]\nepochs = 1\nbatch_size = 2\n'
    )
    assert convert(given, "folders", tmp_path / "out", "--recipe", str(recipe))[0] == 0
    found, config = read_as(tmp_path / "out", None, [])
    listing, _ = list_grouped(found, config.records)
    assert config.data.classes == ["mass", "cyst"]
    assert {sample.id: sample.group for sample in listing.samples}["p1/film 0"] == "p1"
    code, told = convert(tmp_path / "out", "coco", tmp_path / "again")
    assert (code, told["classes"]) == (0, ["mass", "cyst"])


def test_what_cannot_be_read_is_a_reject_and_the_others_are_converted(tmp_path: Path) -> None:
    given = folder(tmp_path / "in")
    (given / "images" / name_of(2)).write_bytes(b"no image")
    (given / "masks" / name_of(3)).unlink()
    code, told = convert(given, "cvat", tmp_path / "out")
    assert (code, told["converted"]) == (2, COUNT - 2)
    assert {reject["source"] for reject in told["rejects"]} == {f"images/{name_of(number)}" for number in (2, 3)}
    assert convert(given, "cvat", tmp_path / "allowed", "--max-rejects", "2")[0] == 0


def test_images_that_no_template_matches_are_named(tmp_path: Path) -> None:
    given = folder(tmp_path / "in")
    shutil.copy(given / "images/p0/film 0.png", given / "images/odd.png")
    assert convert(given, "coco", tmp_path / "out")[1]["not_read"] == ["images/odd.png"]


def test_nothing_is_written_where_nothing_can_be(tmp_path: Path) -> None:
    given = folder(tmp_path / "in")
    assert convert(given, "coco", given / "out")[1]["error"].endswith("nothing is written. Choose another: --out")
    assert "exists, and nothing is overwritten" in convert(given, "coco", tmp_path)[1]["error"]
    for path in (given / "images").rglob("*.png"):
        path.write_bytes(encode_png(np.zeros((HEIGHT, WIDTH), np.uint8)))
    code, told = convert(given, "coco", tmp_path / "out")
    assert (code, "none of its images can be used, as images/p0/film 0.png: the image shows" in told["error"]) == (
        2,
        True,
    )
    assert [*tmp_path.iterdir()] == [given]


def test_what_could_be_upside_down_is_asked_and_can_be_said(tmp_path: Path) -> None:
    given = folder(tmp_path / "in")
    for path in (given / "masks").rglob("*.png"):
        path.write_bytes(encode_png(np.pad(np.zeros((4, 4), np.uint8), 8, constant_values=255)))
    for path in (given / "images").rglob("*.png"):
        path.write_bytes(encode_png(np.random.default_rng(len(str(path))).integers(0, 99, (20, 20)).astype(np.uint8)))
    code, told = convert(given, "coco", tmp_path / "out")
    assert (code, "[data.mask] foreground: the bright pixels (255) cover 96%" in told["error"]) == (4, True)
    code, told = convert(given, "coco", tmp_path / "out", "--set", "data.mask.foreground=dark")
    document = json.loads((tmp_path / "out/coco.json").read_text())
    assert (code, {each["area"] for each in document["annotations"]}) == (0, {16})


def test_files_of_images_of_one_name_are_told_apart() -> None:
    images = ["a.png", "a.jpg", "A.tif", "../a.png", "x/../b;c.png", "d .png"]
    assert [*stems_of(images).values()] == ["a", "a.jpg", "A.tif", "a.png", "x/b_c", "d "]
