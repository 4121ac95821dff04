"""Three spans arrive one after another, and the scheduler comes by: the champion changes when the candidate is better.

What is better is certain. The first span's truth is a third of each disc across, so a model that learns it has a Dice
of some 0.2 on the fixed test groups, whose truth is right. The second span's truth is right. The third's is turned
inside out: what it teaches finds all but the disc.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from driver import Result, maskline

from components.evaluator.decisions import DECISIONS_FILE
from components.example_gen.listing import list_samples
from components.example_gen.memory import held_out
from pipeline.config.loader import load_config
from pipeline.schedule.retraining import champion_fingerprint, data_fingerprint, new_cases

RECIPE = """
[data]
layout = "folders"
height = 32
width = 32
spans = 1
groups = { by = "pattern", pattern = "^([a-z]+[0-9]+)_" }
splits = { train = 6, eval = 3, test = 1, test_groups = ["fixed*"] }

[validation]
max_drift = 1.0

[model]
architecture = "unet"
parameters = { levels = 3, base_filters = 8 }

[training]
epochs = 20
batch_size = 4
learning_rate = 5e-3

[evaluation]
min_dice = 0.0

[schedule]
min_new_cases = 20
retries = 0
"""
FIXED = [f"fixed{number}" for number in range(10)]
PATIENTS = {1: range(24), 2: range(20, 44), 3: range(40, 64)}
"""By span; four of each come again in the next one."""


def coarse(disc: np.ndarray) -> np.ndarray:
    """The disc with a third of its radius."""
    return cv2.erode(disc, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (13, 13)))


TRUTH = {1: coarse, 2: np.array, 3: lambda disc: 255 - disc}


def arrive(data: Path, span: int) -> None:
    """The images of a span: with the first, those of the fixed test groups."""
    names = [f"p{number}_{span}" for number in PATIENTS[span]]
    for number, name in enumerate([*names, *(f"{group}_1" for group in FIXED)] if span == 1 else names):
        rng = np.random.default_rng(100 * span + number)
        center = tuple(map(int, rng.integers(16, 32, 2)))
        disc = cv2.circle(np.zeros((48, 48), np.uint8), center, 9, 255, -1)
        tissue = cv2.resize(rng.uniform(20, 90, (8, 8)), (48, 48), interpolation=cv2.INTER_CUBIC)
        image = (tissue + 0.6 * disc + rng.uniform(0, 12, disc.shape)).clip(0, 255).astype(np.uint8)
        truth = disc if name.startswith("fixed") else TRUTH[span](disc)
        for folder, pixels in (("images", image), ("masks", truth)):
            path = data / f"span-2026-01-{span:02d}" / folder / f"{name}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            assert cv2.imwrite(str(path), pixels)


class Place:
    """A recipe, its data and what its runs leave behind."""

    def __init__(self, folder: Path) -> None:
        self.data, self.out, self.recipe = folder / "data", folder / "out", folder / "own.toml"
        self.serving = self.out / "serving"
        folder.mkdir(parents=True, exist_ok=True)
        self.recipe.write_text(RECIPE)
        self.settings = load_config(str(self.recipe)).records

    def slot(self, *arguments: object) -> Result:
        """What the scheduler does now; its record is the line of the ledger."""
        places = ("--data", self.data, "--out", self.out)
        return maskline("schedule", self.recipe, "--once", *places, "--json", *arguments)

    def run_of(self, slot: Result) -> dict[str, Any]:
        """The record of the run that a slot started."""
        return json.loads((self.out / "runs" / slot.record["run"] / "run.json").read_text())

    @property
    def new_cases(self) -> int:
        return new_cases(self.data, self.settings, self.serving)

    @property
    def is_up_to_date(self) -> bool:
        return data_fingerprint(self.data, self.settings) == champion_fingerprint(self.serving)

    @property
    def splits(self) -> dict[str, set[str]]:
        """The groups of each split that a run would read now."""
        samples = list_samples(self.data, self.settings, held_out(self.data, self.settings, self.serving)).samples
        return {split: {one.group for one in samples if one.split == split} for split in ("train", "eval", "test")}

    @property
    def served(self) -> dict[str, bytes]:
        """Every file of the serving folder but the count of decisions, to which a refusal adds one."""
        files = (path for path in self.serving.rglob("*") if path.is_file() and path.name != DECISIONS_FILE)
        return {path.relative_to(self.serving).as_posix(): path.read_bytes() for path in files}


@pytest.mark.slow
def test_three_spans(tmp_path: Path) -> None:
    place = Place(tmp_path)
    arrive(place.data, 1)
    assert place.new_cases == len(PATIENTS[1]) + len(FIXED)
    assert not place.is_up_to_date
    first = place.slot()
    assert (first.code, first.record["decision"]) == (0, "ran"), first.stderr
    assert first.record["reason"] == "nothing is served yet"
    learnt = place.splits["train"] | place.splits["eval"]
    assert place.splits["test"] > set(FIXED)
    assert (place.new_cases, place.is_up_to_date) == (0, True)

    arrive(place.data, 2)
    # The share of the first span that was tested is in the window no longer.
    assert place.new_cases == len(PATIENTS[2])
    assert not place.is_up_to_date
    assert place.splits["test"] > set(FIXED)
    assert not place.splits["test"] & learnt
    learnt |= place.splits["train"] | place.splits["eval"]
    better = place.slot()
    assert (better.code, better.record["reason"]) == (0, "the data have changed: 24 new cases"), better.stderr
    assert place.run_of(better)["counts"]["records"]["test"] == len(place.splits["test"])
    champion = better.record["pushed"]
    manifest = json.loads((place.serving / champion / "MANIFEST.json").read_text())
    assert manifest["metrics"]["champion"]["dice"]["mean"] < 0.3 < 0.6 < manifest["metrics"]["dice"]["mean"]
    assert manifest["replaces"] == first.record["pushed"]
    assert manifest["start"] == "cold: [training] warm_start = false"

    assert (place.new_cases, place.is_up_to_date) == (0, True)
    again = place.slot()
    assert (again.code, again.record["decision"], again.record["run"]) == (0, "skipped", None)
    assert again.record["reason"] == f"the data are those of the champion, version {champion}"

    arrive(place.data, 3)
    assert (place.new_cases, place.is_up_to_date) == (len(PATIENTS[3]), False)
    assert not place.splits["test"] & learnt
    before = place.served
    worse = place.slot("--set", "training.warm_start=true")
    assert (worse.code, worse.record["status"], worse.record["pushed"]) == (3, "refused by the evaluation", None), (
        worse.stderr
    )
    assert f"warm from version {champion}" in Path(place.run_of(worse)["report"]).read_text()
    assert place.served == before
    # The refused candidate does not make the data old, but the same run need not come again.
    assert (place.new_cases, place.is_up_to_date) == (len(PATIENTS[3]), False)
    skipped = place.slot("--set", "training.warm_start=true")
    assert (skipped.code, skipped.record["decision"]) == (0, "skipped")
    assert f"came to: refused by the evaluation (run {worse.record['run']})" in skipped.record["reason"]
    assert len(list(place.out.glob("runs/*"))) == 3
