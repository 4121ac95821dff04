"""Own data by an own recipe: a manifest, 16-bit images, tiles; from the check to a served model."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from driver import Result, maskline

pytestmark = pytest.mark.slow

RECIPE = """
[data]
layout = "manifest"
table = "cohort.csv"
height = 32
width = 32
tiles = { overlap = 8, keep_empty = 0.5 }
adjust = { gamma = 0.8 }

[model]
architecture = "unet"
parameters = { levels = 3, base_filters = 4, normalisation = "batch" }

[training]
epochs = 8
learning_rate = 1e-2

[evaluation]
min_dice = 0.0
"""
PATIENTS = {"train": 12, "valid": 4, "test": 4}


def film(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Twelve bits of 16, a bright disc in smooth tissue; and its mask."""
    rng = np.random.default_rng(seed)
    mask = cv2.circle(np.zeros((56, 80), np.uint8), tuple(map(int, rng.integers(16, 40, 2))), 9, 255, -1)
    tissue = cv2.resize(rng.uniform(200, 1500, (9, 13)), (80, 56))
    return (tissue + 8.0 * mask + rng.uniform(0, 100, mask.shape)).astype(np.uint16), mask


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("own") / "data"
    (folder / "scans").mkdir(parents=True)
    rows = ["image,mask,group,split"]
    for split, count in PATIENTS.items():
        for number in range(count):
            name = f"{split}{number}"
            image, mask = film(len(rows))
            cv2.imwrite(str(folder / f"scans/{name}.png"), image)
            cv2.imwrite(str(folder / f"scans/{name}_truth.png"), mask)
            rows.append(f"scans/{name}.png,scans/{name}_truth.png,{name},{split}")
    (folder / "cohort.csv").write_text("\n".join(rows))
    return folder


@pytest.fixture(scope="module")
def recipe(data: Path) -> Path:
    path = data.parent / "own.toml"
    path.write_text(RECIPE)
    return path


@pytest.fixture(scope="module")
def first(data: Path, recipe: Path) -> Result:
    result = maskline("run", recipe, "--data", data, "--out", data.parent / "out", "--json")
    assert result.code == 0, result.stdout + result.stderr
    return result


def test_check_by_the_recipe_finds_nothing(data: Path, recipe: Path) -> None:
    result = maskline("check", data, "--recipe", recipe, "--json")
    assert result.code == 0
    assert result.record["problems"] == result.record["rejects"] == []
    assert {row["bit_depth"] for row in result.record["records"]} == {16}


def test_the_run_derives_tiles_by_the_manifest_and_pushes(data: Path, recipe: Path, first: Result) -> None:
    record = first.record
    assert (record["status"], record["blessed"]) == ("done", True)
    assert record["counts"]["sources"] == sum(PATIENTS.values())
    assert record["counts"]["rejects"] == 0
    # Two rows of three tiles to an image; empty ones are dropped from training alone.
    made = record["counts"]["records"]
    assert (made["eval"], made["test"]) == (4 * 6, 4 * 6)
    assert 12 < made["train"] < 12 * 6
    served = Path(record["pushed"]["path"])
    rows = json.loads((served / "split_report.json").read_text())["records"]
    assert {row["bit_depth"] for row in rows} == {16}
    splits = {"train": "train", "valid": "eval", "test": "test"}
    assert all(row["split"] == splits[row["group"].rstrip("0123456789")] for row in rows)
    checked = maskline("check", data, "--recipe", recipe, "--json", "--champion", data.parent / "out" / "serving")
    assert checked.code == 0
    assert {feature["verdict"] for feature in checked.record["drift"]["features"]} == {"no drift"}
    assert sorted(row["id"] for row in checked.record["records"]) == sorted(row["id"] for row in rows)


def test_the_served_model_finds_the_disc_at_the_size_of_the_film(data: Path, first: Result) -> None:
    import tensorflow as tf

    signature = tf.saved_model.load(first.record["pushed"]["path"]).signatures["serve_image_bytes"]
    files = [(data / f"scans/test{number}.png").read_bytes() for number in range(4)]
    masks = [
        cv2.imdecode(np.frombuffer(png, np.uint8), -1) for png in signature(images=tf.constant(files))["mask"].numpy()
    ]
    assert {mask.shape for mask in masks} == {(56, 80)}
    truths = [cv2.imread(str(data / f"scans/test{number}_truth.png"), 0) > 0 for number in range(4)]
    dice = [
        2 * (mask > 0)[truth].sum() / ((mask > 0).sum() + truth.sum())
        for mask, truth in zip(masks, truths, strict=True)
    ]
    assert np.mean(dice) > 0.6


def test_another_adjustment_than_the_champions_is_refused_with_the_reason(
    data: Path, recipe: Path, first: Result
) -> None:
    arguments = ["--set", "data.adjust.gamma=0.6", "--set", "training.epochs=1"]
    result = maskline("run", recipe, "--data", data, "--out", data.parent / "out", "--json", *arguments)
    assert result.code == 3, result.stdout
    version = first.record["pushed"]["version"]
    [reason] = result.record["reasons"]
    assert reason.startswith(f"the champion {version} cannot be compared: [data] adjust changed.")
    assert json.loads((data.parent / "out/serving/CHAMPION.json").read_text()) == {"version": version}
