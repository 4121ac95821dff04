"""Folders as people have them: `maskline init --yes`, and a run of one epoch, without a line written by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from driver import maskline
from found_folders import COUNT, KINDS

from components.errors import UsageError
from components.example_gen.listing import list_samples
from components.example_gen.outcome import outcome_of
from pipeline.config.loader import load_config
from pipeline.runs.check import check_config
from pipeline.runs.examined import Watch
from pipeline.runs.init.core import Written, refuse_existing, understood, write
from pipeline.runs.init.questions import Ask, nobody

SMALL = 'model.parameters={levels=3, base_filters=4, normalisation="batch"}'
OPEN = {"dark foreground"}
"""Kinds of which a person must say which way masks are meant."""
REFUSED = {"dark foreground": "[data.mask] foreground: the bright pixels (255) cover 9"}
"""What the run names where it ends with exit code 4."""
LEFT_OUT = {"leaking splits": 3, "by number, GIF, field of view": COUNT, "observers beside their images": COUNT}
"""Copies, and masks of a second observer."""


def init(folder: Path, recipe: Path, said: list[str], ask: Ask, watch: Watch) -> Written:
    """What the verb does, without a terminal."""
    refuse_existing(recipe)
    found = understood(folder, said)
    found.ask(ask)
    return write(found, recipe, said, watch)


def begun(kind: str, root: Path) -> Path:
    KINDS[kind](root / "data")
    written = init(root / "data", root / "recipe.toml", [], nobody, lambda items, _: items)
    assert bool(written.found.open) == (kind in OPEN)
    assert not written.rejects
    return written.recipe


@pytest.mark.parametrize("kind", KINDS)
def test_every_image_and_its_truth_are_read(kind: str, tmp_path: Path) -> None:
    recipe = begun(kind, tmp_path)
    config = load_config(str(recipe))
    listing = list_samples(tmp_path / "data", config.records)
    assert (len(listing.samples), len(listing.left_out), listing.rejects) == (COUNT, LEFT_OUT.get(kind, 0), ())
    assert not [problem for problem in problems(config, tmp_path / "data") if problem["kind"] != "mostly foreground"]
    shares = [np.mean(record.mask > 0) for sample in listing.samples for record in records(sample, tmp_path, config)]
    assert all(0 < share < 0.35 for share in shares) or kind in OPEN
    picture = cv2.imread(str(recipe.with_suffix(".png")))
    assert picture.shape[1] == 4 * 320


def problems(config: Any, folder: Path) -> list[dict[str, Any]]:
    """What would stop a run."""
    return check_config(folder, config)["problems"]


def records(sample: Any, root: Path, config: Any) -> list[Any]:
    return outcome_of(sample, root / "data", config.records, lambda record: record)[1]


def test_what_is_left_of_several_kinds_is_told(tmp_path: Path) -> None:
    KINDS["side by side"](tmp_path / "data/one")
    KINDS["COCO"](tmp_path / "data/two")
    found = init(tmp_path / "data", tmp_path / "recipe.toml", [], nobody, lambda items, _: items).found
    [left] = [row for row in found.rows if row.topic == "not read"]
    assert left.found == f"two/train2017: {COUNT} images"
    assert f"that {COUNT} images that no template matches are no part of it" in found.unsure


def test_the_folder_above_is_found_from_below(tmp_path: Path) -> None:
    KINDS["levels"](tmp_path / "data")
    found = init(tmp_path / "data/image", tmp_path / "recipe.toml", [], nobody, lambda items, _: items).found
    assert found.root == tmp_path / "data"


def test_an_answer_is_written_and_closes_the_question(tmp_path: Path) -> None:
    KINDS["dark foreground"](tmp_path / "data")
    init(tmp_path / "data", tmp_path / "recipe.toml", [], lambda question: "dark", lambda items, _: items)
    config = load_config(str(tmp_path / "recipe.toml"))
    assert (config.data.mask.foreground, config.data.questions) == ("dark", [])


def test_what_is_set_stands_in_the_recipe_and_closes_the_question(tmp_path: Path) -> None:
    KINDS["dark foreground"](tmp_path / "data")
    said = ["data.mask.foreground=dark", "training.epochs=3", "data.height=128"]
    init(tmp_path / "data", tmp_path / "recipe.toml", said, nobody, lambda items, _: items)
    config = load_config(str(tmp_path / "recipe.toml"))
    assert (config.data.mask.foreground, config.data.questions) == ("dark", [])
    assert (config.training.epochs, config.data.height, config.data.width) == (3, 128, 96)


def test_a_folder_of_rejects_alone_is_named(tmp_path: Path) -> None:
    KINDS["levels"](tmp_path / "data")
    for path in (tmp_path / "data/label").iterdir():
        path.rename(path.with_name(f"{path.stem}_a.png"))
        (tmp_path / f"data/image/{path.stem}.jpg").write_bytes(b"twin")
    with pytest.raises(UsageError, match=r"none of its images can be used, as image/0\.jpg: several"):
        init(tmp_path / "data", tmp_path / "recipe.toml", [], nobody, lambda items, _: items)


def test_nothing_is_overwritten_and_nothing_comes_into_the_data(tmp_path: Path) -> None:
    KINDS["levels"](tmp_path / "data")
    (tmp_path / "recipe.png").write_bytes(b"mine")
    for recipe, message in (("recipe.toml", "recipe.png: is there"), ("data/recipe.toml", "lies in the data folder")):
        with pytest.raises(UsageError, match=message):
            init(tmp_path / "data", tmp_path / recipe, [], nobody, lambda items, _: items)
    assert (tmp_path / "recipe.png").read_bytes() == b"mine"


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_run_of_one_epoch(kind: str, tmp_path: Path) -> None:
    small = ("--set", "training.epochs=1", "--set", 'model.architecture="unet"', "--set", SMALL)
    done = maskline("run", begun(kind, tmp_path), "--out", tmp_path / "out", "--json", *small)
    if kind in REFUSED:
        assert (done.code, REFUSED[kind] in done.record["error"]) == (4, True)
        return
    assert done.code in (0, 3), done.stdout


@pytest.mark.slow
def test_a_run_of_what_is_planned(tmp_path: Path) -> None:
    """As a person would have it, but for the time."""
    asked = ("run", begun("levels", tmp_path), "--out", tmp_path / "out", "--json")
    short = ("--set", "training.budget=6 steps", "--set", "folds.k=2")
    done = maskline(*asked, *short)
    assert done.code in (0, 3), done.stdout
    assert done.record["config"]["model"]["architecture"] == "encoder_unet"
    assert {"model.architecture", "training.batch_size"} <= {choice["key"] for choice in done.record["plan"]}
    assert maskline(*asked, *short).states["Trainer-fold-1"] == "cached"
