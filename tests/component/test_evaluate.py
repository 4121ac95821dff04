"""`maskline evaluate`: a served model on images that it was not made of, and those that it was are named."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tfx.types import Artifact
from tfx.utils import path_utils
from told import told_by
from typer.testing import CliRunner, Result

from components.evaluator.per_case import read_cases
from components.files import write_json
from components.imaging.files.codecs import decode_image, encode_png, pixel_sha256, read_image
from components.imaging.fingerprint import signature
from components.pusher.disclosure import disclose
from components.pusher.settings import Disclosure
from components.seen.names import make_salt
from components.seen.prints import SIGNATURES_FILE, prints_of, write_prints
from pipeline.cli.app import app
from pipeline.config.root import Config

LEARNT = {"p90": "train", "p91": "eval", "p92": "test"}


@pytest.fixture(scope="module")
def learnt(disc_pair: Callable[..., Any]) -> dict[str, np.ndarray]:
    """The images that the model was made of, by group."""
    return {group: disc_pair(60, 70, seed=900 + place)[0] for place, group in enumerate(LEARNT)}


@pytest.fixture(scope="module")
def version(
    config: Config, untrained: Artifact, learnt: dict[str, np.ndarray], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A model that finds foreground everywhere, with the papers of a push."""
    papers, folder = tmp_path_factory.mktemp("papers"), tmp_path_factory.mktemp("serving") / "7"
    shutil.copytree(path_utils.serving_model_dir(untrained.uri), folder)
    trained = {"derivation": config.data.derivation.model_dump(), "task": config.data.task.model_dump()}
    write_json(folder / "assets.extra/training.json", {"config": {**trained, "threshold": 0.5}})
    hashes = {group: pixel_sha256(image).hex() for group, image in learnt.items()}
    rows = [
        {"group": group, "split": split, "source": f"images/{group}.png", "sha256": hashes[group]}
        for group, split in LEARNT.items()
    ]
    write_json(papers / "split_report.json", {"records": rows})
    signatures = {hashes[group]: signature(image) for group, image in learnt.items()}
    write_prints(papers / SIGNATURES_FILE, prints_of(signatures))
    for paper in disclose(papers, tmp_path_factory.mktemp("disclosed"), Disclosure(), folder.parent):
        shutil.copy(paper, folder)
    made_by = config.model_dump(mode="json")
    # Where the threshold stood once.
    made_by["evaluation"]["threshold"] = 0.4
    write_json(folder / "MANIFEST.json", {"version": "7", "config": made_by})
    write_json(folder.parent / "CHAMPION.json", {"version": "7"})
    return folder


@pytest.fixture
def data(write_pairs: Callable[..., Path], tmp_path: Path) -> Path:
    """Of three women, two views each."""
    return write_pairs(tmp_path / "data", patients=3, size=(50, 60))


def add(data: Path, name: str, image: np.ndarray) -> None:
    mask = np.zeros(image.shape, np.uint8)
    mask[:10, :10] = 255
    for folder, pixels in (("images", image), ("masks", mask)):
        (data / folder / f"{name}.png").write_bytes(encode_png(np.ascontiguousarray(pixels)))


def evaluate(*arguments: object) -> tuple[Result, dict[str, Any]]:
    result = CliRunner().invoke(app, ["evaluate", *map(str, arguments), "--json"])
    return result, json.loads(result.stdout)


def test_every_image_is_measured_at_its_own_size(version: Path, data: Path, tmp_path: Path) -> None:
    result, told = evaluate(version.parent, "--data", data, "--out", tmp_path / "out")
    assert result.exit_code == 0, told
    # Where all is predicted, Dice is 2 n / (n + all).
    pixels = {path.stem: (read_image(path) > 0).sum() for path in sorted((data / "masks").iterdir())}
    expected = {name: 2 * count / (count + 50 * 60) for name, count in pixels.items()}
    cases = read_cases(tmp_path / "out/per_case.csv")
    assert {case.id: case.value("dice") for case in cases} == pytest.approx(expected)
    assert {case.group for case in cases} == {"p00", "p01", "p02"}
    assert (told["by_pixels_alone"], told["without_detail"]) == (False, 0)
    assert told["metrics"]["dice"]["mean"] == pytest.approx(np.mean(list(expected.values())))
    written = json.loads((tmp_path / "out/metrics.json").read_text())
    assert written["dice"] == told["metrics"]["dice"]
    assert written["limits"] == []
    assert written["external"]["measured"] == 6
    mask = decode_image((tmp_path / "out" / cases[0].prediction).read_bytes())
    assert mask.shape == (50, 60)
    assert mask.all()
    # Nothing is overwritten, and nothing else was written.
    assert evaluate(version, "--data", data, "--out", tmp_path / "out")[0].exit_code == 2
    assert {path.name for path in tmp_path.iterdir()} == {"data", "out"}


def test_what_the_model_has_seen_is_named_and_nothing_measured(
    version: Path, data: Path, learnt: dict[str, np.ndarray], tmp_path: Path
) -> None:
    brighter = (learnt["p91"] * 0.8).astype(np.uint8)
    add(data, "p50_a", learnt["p90"][:, ::-1])
    add(data, "p51_a", brighter)
    add(data, "p92_x", np.random.default_rng(5).integers(0, 255, (50, 60)).astype(np.uint8))
    result, told = evaluate(version, "--data", data, "--out", tmp_path / "out")
    assert (result.exit_code, told["metrics"]) == (4, None)
    assert not (tmp_path / "out").exists()
    found = {row["image"]: (row["matches"][0]["split"], row["matches"][0]["by"]) for row in told["seen"]}
    assert found == {
        "images/p50_a.png": ("train", "same pixels, flipped or turned"),
        "images/p51_a.png": ("eval", "near duplicate"),
        "images/p92_x.png": ("test", "same group"),
    }
    for choice, count in (("leave-out", 6), ("measure", 9)):
        result, told = evaluate(version, "--data", data, "--seen", choice)
        assert (result.exit_code, told["measured"], told["metrics"]["cases"]) == (0, count, count)
        assert len(told["seen"]) == 3
    shown = CliRunner().invoke(app, ["evaluate", str(version), "--data", str(data)], env={"COLUMNS": "200"}).stdout
    assert "images/p50_a.png: in train: images/p90.png (same pixels, flipped or turned)" in shown
    assert "The model has seen 3 of the images, so nothing was measured" in shown


def test_without_names(version: Path, data: Path, learnt: dict[str, np.ndarray], tmp_path: Path) -> None:
    data = data.rename(tmp_path / "KLINIK-A")
    (data / "images/p70_torn.png").write_bytes(b"no image")
    (data / "masks/p70_torn.png").write_bytes(b"no image")
    add(data, "p71_seen", learnt["p90"])
    asked = version, "--data", data, "--seen", "measure", "--set", "validation.max_reject_fraction=0.5"
    result, plain = evaluate(*asked, "--out", tmp_path / "plain")
    assert result.exit_code == 0, plain
    _, hidden = evaluate(*asked, "--out", tmp_path / "hidden", "--anonymous")
    for name in ("p00_a", '"images/p90.png"', "p70_torn", "p71_seen", "KLINIK-A", str(version)):
        told = told_by(tmp_path / "plain"), told_by(tmp_path / "hidden")
        assert [name.encode() in each for each in told] == [True, False], name
    assert hidden["metrics"]["dice"]["mean"] == pytest.approx(plain["metrics"]["dice"]["mean"])
    names = make_salt(version.parents[1] / "salt")
    case, *_ = read_cases(tmp_path / "hidden/per_case.csv")
    assert names(hidden["names"][case.id].removeprefix("images/").removesuffix(".png")) == case.id
    # The masks of a case are those of the case.
    name = hidden["names"][case.id]
    [same] = [each for each in read_cases(tmp_path / "plain/per_case.csv") if each.source == name]
    masks = [(tmp_path / "plain" / same.prediction), (tmp_path / "hidden" / case.prediction)]
    assert masks[0].read_bytes() == masks[1].read_bytes()
    assert case.classes == same.classes


def test_people_get_a_table(version: Path, data: Path) -> None:
    result = CliRunner().invoke(app, ["evaluate", str(version), "--data", str(data)], env={"COLUMNS": "200"})
    assert result.exit_code == 0
    assert f"6 images of {data} by {version}" in result.stdout.replace("\n", " ")
    [row] = [line for line in result.stdout.splitlines() if line.split()[:1] == ["dice"]]
    assert row.split()[-1] == "6"


def test_bad_input_is_named(version: Path, data: Path, tmp_path: Path) -> None:
    (data / "images/p00_a.png").write_bytes(b"no image")
    result, told = evaluate(version, "--data", data)
    assert result.exit_code == 4
    assert told["error"].startswith("1 of 6 sources are unusable")
    assert "images/p00_a.png: " in told["error"]
    result, told = evaluate(version, "--data", data, "--set", "validation.max_reject_fraction=0.2")
    assert (result.exit_code, told["measured"], len(told["rejects"])) == (0, 5, 1)
    result, told = evaluate(version, "--data", data, "--set", "data.classes=['lesion']")
    assert result.exit_code == 2
    assert "found lesion, expected the model's: foreground" in told["error"]
    assert evaluate(version, "--data", tmp_path / "nowhere")[0].exit_code == 2
    assert evaluate(tmp_path, "--data", data)[0].exit_code == 2


def test_a_recipe_says_how_the_images_are_read(version: Path, data: Path) -> None:
    (data / "masks").rename(data / "truth")
    assert evaluate(version, "--data", data)[0].exit_code == 2
    result, told = evaluate(version, "--data", data, "--recipe", "folders", "--set", "data.masks=truth")
    assert (result.exit_code, told["measured"]) == (0, 6)
