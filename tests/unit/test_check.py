"""`maskline check` on real folders, clean and with planted faults."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from raw_images import pgm, png, write

from components.errors import UsageError
from components.splits import split_of
from pipeline.check import check_folder
from pipeline.config.loader import load_config

SETTINGS = ["data.height=32", "data.width=32", r"data.group_pattern=^(p\d+)_"]
SPLITS = load_config("folders").data.splits.model_dump()
CASES = 40


def name_in(split: str) -> str:
    """The first case whose group falls into a split."""
    return next(f"p{number}_1" for number in range(CASES) if split_of(f"p{number}", SPLITS) == split)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Forty patients with one image each."""
    rng = np.random.default_rng(0)
    for number in range(CASES):
        mask = np.zeros((24, 32), np.uint8)
        row, column = rng.integers(2, 12, 2)
        mask[row : row + 8, column : column + 8] = 255
        write(
            tmp_path / "data" / "images" / f"p{number}_1.png",
            png(mask // 2 + rng.integers(0, 50, mask.shape, np.uint8)),
        )
        write(tmp_path / "data" / "masks" / f"p{number}_1.png", png(mask))
    return tmp_path / "data"


def check(folder: Path) -> dict[str, Any]:
    return check_folder(folder, "folders", SETTINGS)


def test_a_clean_folder(folder: Path) -> None:
    report = check(folder)
    assert report["problems"] == report["rejects"] == report["duplicates_within_a_split"] == []
    assert report["sources"] == len(report["records"]) == CASES
    assert {record["group"]: record["split"] for record in report["records"]} == {
        f"p{number}": split_of(f"p{number}", SPLITS) for number in range(CASES)
    }
    assert all(counts["records"] == counts["with_foreground"] for counts in report["splits"].values())


def test_the_same_film_of_two_patients_in_two_splits(folder: Path) -> None:
    """Also in another file format and under another name."""
    train, test = name_in("train"), name_in("test")
    pixels = np.random.default_rng(1).integers(0, 256, (24, 32), np.uint8)
    (folder / "images" / f"{test}.png").unlink()
    write(folder / "images" / f"{test}.pgm", pgm(pixels))
    write(folder / "images" / f"{train}.png", png(pixels))
    [problem] = check(folder)["problems"]
    assert problem["kind"] == "identical pixels"
    assert f"images/{train}.png (train, group {train[:-2]})" in problem["message"]
    assert f"images/{test}.pgm (test, group {test[:-2]})" in problem["message"]


def test_the_same_film_twice_in_one_split_is_told_but_no_leak(folder: Path) -> None:
    name = name_in("train")
    for part in ("images", "masks"):
        shutil.copy(folder / part / f"{name}.png", folder / part / f"{name}again.png")
    report = check(folder)
    assert report["problems"] == []
    group = name[:-2]
    assert report["duplicates_within_a_split"] == [
        [f"images/{name}.png (train, group {group})", f"images/{name}again.png (train, group {group})"]
    ]


def test_every_source_is_accounted_for(folder: Path) -> None:
    faults = {
        "images/p1_1.png": "an image without a mask of the same name",
        "masks/p2_1.png": "a mask without an image of the same name",
        "images/p3_1.png": "p3_1.png: not a whole PGM, PNG or JPG image",
        "images/x_1.png": "[data] group_pattern",
    }
    (folder / "masks" / "p1_1.png").unlink()
    (folder / "images" / "p2_1.png").unlink()
    (folder / "images" / "p3_1.png").write_text("text")
    for part in ("images", "masks"):
        shutil.copy(folder / part / "p4_1.png", folder / part / "x_1.png")
    report = check(folder)
    assert report["sources"] == len(report["records"]) + len(report["rejects"]) == CASES + 1
    assert [reject["source"] for reject in report["rejects"]] == sorted(faults)
    for reject in report["rejects"]:
        assert reject["reason"].startswith(faults[reject["source"]])
    [problem] = report["problems"]
    assert problem["message"].startswith("4 of 41 sources are unusable, [validation] max_reject_fraction allows 5%")


def test_a_folder_with_a_truth_table_is_read_as_mias(tmp_path: Path) -> None:
    rows = []
    for number in range(1, 81):
        write(
            tmp_path / f"mdb{number:03d}.pgm",
            pgm(np.arange(number, number + 64, dtype=np.uint8).repeat(64).reshape(64, 64)),
        )
        rows.append(f"mdb{number:03d} G CIRC B 30 40 9\r\n")
    write(tmp_path / "Info.txt", "".join(rows).encode())
    report = check_folder(tmp_path, None, ["data.height=64", "data.width=64", "validation.min_groups=1"])
    assert report["problems"] == []
    assert len(report["records"]) == 80
    assert len({record["group"] for record in report["records"]}) == 40


@pytest.mark.parametrize("recipe", [None, "folders", "mias"])
def test_a_missing_folder(tmp_path: Path, recipe: str | None) -> None:
    with pytest.raises(UsageError, match="nowhere: no such folder"):
        check_folder(tmp_path / "nowhere", recipe, [])
