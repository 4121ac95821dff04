"""Data are added between runs: what the served model was tested on stays, and what it learnt is not tested on."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from driver import Result, maskline

from components.example_gen.listing import list_samples
from pipeline.config.loader import load_config

RECIPE = """
[data]
layout = "folders"
height = 32
width = 32
groups = { by = "pattern", pattern = "(p[0-9]+)_" }

[validation]
min_groups = 1
max_drift = 1.0

[model]
parameters = { levels = 2, base_filters = 4 }

[training]
epochs = 1

[evaluation]
min_dice_change = -1.0
"""
READ_AND_LEARNT = {
    *("ImageMaskExampleGen", "ImportSchemaGen", "StatisticsGen", "ExampleValidator", "Augmentor", "Trainer"),
    "ServingCheck",
}
"""Nodes that a push must not make run again."""


class Place:
    """A recipe, its data and what its runs leave behind."""

    def __init__(self, folder: Path) -> None:
        self.data, self.out, self.recipe = folder / "data", folder / "out", folder / "own.toml"
        self.recipe.write_text(RECIPE)

    def run(self) -> Result:
        result = maskline("run", self.recipe, "--data", self.data, "--out", self.out, "--json")
        assert result.code == 0, result.stdout + result.stderr
        return result

    @property
    def report(self) -> dict[str, Any]:
        """The split report of the served version."""
        version = json.loads((self.out / "serving/CHAMPION.json").read_text())["version"]
        return json.loads((self.out / f"serving/{version}/split_report.json").read_text())

    @property
    def served(self) -> dict[str, set[str]]:
        """The groups of each split of the served version."""
        records = self.report["records"]
        return {
            split: {row["group"] for row in records if row["split"] == split} for split in ("train", "eval", "test")
        }


@pytest.mark.slow
def test_the_test_split_grows_by_new_groups_alone(write_pairs: Callable[..., Path], tmp_path: Path) -> None:
    place = Place(tmp_path)
    write_pairs(place.data, patients=12)
    assert place.run().record["pushed"]
    before = place.served
    assert {split: len(groups) for split, groups in before.items()} == {"train": 8, "eval": 2, "test": 2}

    # Eighteen come whose hashes are high: by these alone, patients that were learnt would be tested on.
    write_pairs(tmp_path / "more", patients=60)
    late = sorted(range(12, 60), key=lambda number: hashlib.sha256(f"/p{number:02d}".encode()).digest())[-18:]
    for path in (tmp_path / "more").glob("*/*.png"):
        if int(path.name[1:3]) in late:
            shutil.copy(path, place.data / path.parent.name)
    forgetful = list_samples(place.data, load_config(str(place.recipe)).records).samples
    assert {sample.group for sample in forgetful if sample.split == "test"} & (before["train"] | before["eval"])

    second = place.run()
    assert second.record["pushed"]
    assert "other groups stay in test" in second.step("ImageMaskExampleGen")["reason"]
    after = place.served
    assert {split: len(groups) for split, groups in after.items()} == {"train": 21, "eval": 4, "test": 5}
    assert before["test"] < after["test"]
    assert not after["test"] & (before["train"] | before["eval"])
    assert "the champion has learnt test images" not in {note["kind"] for note in place.report["notes"]}

    checked = maskline("check", place.data, "--recipe", place.recipe, "--champion", place.out / "serving", "--json")
    assert {row["group"] for row in checked.record["records"] if row["split"] == "test"} == after["test"]

    third = place.run()
    assert {node for node in READ_AND_LEARNT if third.step(node)["cached"]} == READ_AND_LEARNT
    fourth = place.run()
    assert {node for node, state in fourth.states.items() if state != "cached"} == {"Pusher", "RunReport"}
