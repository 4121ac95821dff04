"""`maskline plan`: candidates are trained on folds, each goes on where it was, and a recipe is written."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from driver import maskline

RECIPE = """# mine
[data]
layout = "mias"
height = 64
width = 64
phantoms = { women = 30, size = 128, seed = 7 }

[model]
architecture = "auto"

[training]
budget = "12 steps"  # a test's
"""


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_candidates_are_compared_and_the_one_that_is_taken_is_written(tmp_path: Path) -> None:
    recipe = tmp_path / "films.toml"
    recipe.write_text(RECIPE)
    done = maskline("plan", recipe, "--compare", "--write", "--json", "--out", tmp_path / "out")
    assert done.code == 0, done.stdout
    assert done.record["candidates"].keys() == {"default", "plain U-Net", "strong augmentation"}
    assert {row["n"] for row in done.record["candidates"].values()} == {35}
    written = tomllib.loads(recipe.read_text())
    assert written["model"]["architecture"] == "encoder_unet"
    assert written["training"]["budget"] == "12 steps"
    assert recipe.read_text().startswith("# mine\n[data]")
