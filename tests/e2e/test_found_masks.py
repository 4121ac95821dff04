"""Masks that may mean two things: what `init` takes for granted, what it leaves open, and what is read then."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from driver import maskline
from found_folders import COUNT, picture
from found_masks import DOUBTFUL, disc_of, shifted, two, unlike_copies

from components.example_gen.listing import list_samples
from components.example_gen.outcome import outcome_of
from pipeline.config.loader import load_config
from pipeline.config.root import Config
from pipeline.runs.init.core import Written, understood, write
from pipeline.runs.init.questions import Ask, nobody


def init(data: Path, ask: Ask = nobody) -> Written:
    found = understood(data, [])
    found.ask(ask)
    return write(found, data.parent / "recipe.toml", [], lambda items, _: items)


def masks(folder: Path) -> tuple[Config, list[np.ndarray]]:
    """What the recipe reads, by name."""
    config = load_config(str(folder / "recipe.toml"))
    listing = list_samples(folder / "data", config.records)
    assert not listing.rejects
    samples = sorted(listing.samples, key=lambda sample: sample.image)
    return config, [
        outcome_of(each, folder / "data", config.records, lambda record: record.mask)[1][0] for each in samples
    ]


def discs() -> list[np.ndarray]:
    names = sorted(f"images/a{number}.png" for number in range(COUNT))
    return [picture(int(name[8:-4]))[1] for name in names]


GRANTED = {
    "blends": "cut in the middle",
    "void rim": "that 255 marks what is not judged",
    "ids": "that values number objects of one class",
    "observers in folders": "that mask1/{name} is the observer to learn from",
    "observers by name": "that masks/{name}_observer1 is the observer to learn from",
    "observers beside": "that images/{name}_mask1 is the observer to learn from",
}


@pytest.mark.parametrize("kind", GRANTED)
def test_what_is_granted_is_told_and_read(kind: str, tmp_path: Path) -> None:
    DOUBTFUL[kind](tmp_path / "data")
    found = init(tmp_path / "data").found
    assert found.open == []
    assert any(GRANTED[kind] in each for each in [*found.unsure, *(row.why for row in found.rows)])
    config, read = masks(tmp_path)
    assert config.data.task.classes == ["foreground"]
    for mask, disc in zip(read, discs(), strict=True):
        shown = mask[mask.shape[0] // 2 - 32 :][:64] if mask.shape[0] > 64 else mask
        judged = shown != 255
        assert np.mean((shown > 0)[judged & disc]) > 0.9
        assert np.mean((shown > 0)[judged]) < np.mean(disc[judged]) + 0.03


@pytest.mark.parametrize("kind", ["blended levels", "blended colours"])
def test_blends_of_several_are_read_as_the_nearest(kind: str, tmp_path: Path) -> None:
    DOUBTFUL[kind](tmp_path / "data")
    written = init(tmp_path / "data")
    assert (written.found.open, written.rejects) == ([], [])
    assert any("that blends along outlines count as the nearest" in each for each in written.found.unsure)
    config, read = masks(tmp_path)
    assert len(config.data.classes) == 2
    for mask, disc in zip(read, discs(), strict=True):
        assert np.mean((mask > 0)[disc]) > 0.9


@pytest.mark.parametrize(
    ("said", "read", "others"),
    [
        ([], "images/{name}_mask1", ["images/{name}_mask*"]),
        (['data.paths.masks=["images/{name}_mask2"]'], "images/{name}_mask2", ["images/{name}_mask*"]),
        (['data.paths.masks=["images/{name}_mask*"]'], "images/{name}_mask*", []),
        (['data.paths.others=["images/{name}_m*"]'], "images/{name}_mask1", ["images/{name}_m*"]),
    ],
)
def test_the_masks_that_are_read_are_told_and_all_others_left_out(
    said: list[str], read: str, others: list[str], tmp_path: Path
) -> None:
    DOUBTFUL["observers beside"](tmp_path / "data")
    found = understood(tmp_path / "data", said)
    assert [row.why for row in found.of_topic("layout")] == [f"masks at {read}"]
    paths = found.config(said).data.paths
    assert (paths.masks, paths.others, found.open) == ([read], others, [])
    assert not list_samples(found.root, found.config(said).records).rejects


def test_an_answer_makes_others_masks(tmp_path: Path) -> None:
    DOUBTFUL["two names"](tmp_path / "data")
    found = understood(tmp_path / "data", [])
    assert found.data["paths"]["others"] == ["masks/{name}_observer*"]
    assert [row.why for row in found.of_topic("layout")] == ["masks at masks/{name}_observer1"]
    found.ask(lambda question: "objects")
    assert "others" not in found.data["paths"]
    assert [row.why for row in found.of_topic("layout")] == ["masks at masks/{name}_observer*"]


def test_a_mask_without_a_number_is_of_the_first_observer(tmp_path: Path) -> None:
    two(tmp_path, (disc_of, shifted), ("images/{}_mask.png", "images/{}_mask2.png"))
    paths = understood(tmp_path, []).data["paths"]
    assert (paths["masks"], paths["others"]) == (["images/{name}_mask"], ["images/{name}_mask*"])


ANSWERS: Mapping[tuple[str, str], list[str]] = {
    ("numbers", "objects"): ["foreground"],
    ("numbers", "classes"): [f"class_{value}" for value in range(1, 6)],
    ("void region", "ignore"): ["foreground"],
    ("void region", "class"): ["class_1", "class_255"],
    ("rim", "ignore"): ["foreground"],
    ("rim", "object"): ["foreground"],
    ("rim", "class"): ["class_1", "class_2"],
    ("pets", "ignore"): ["foreground"],
    ("pets", "class"): ["class_1", "class_3"],
    ("two folders", "observers"): ["foreground"],
    ("two folders", "objects"): ["foreground"],
    ("two folders", "classes"): ["1", "2"],
    ("one within the other", "observers"): ["foreground"],
    ("two names", "objects"): ["foreground"],
    ("two names", "classes"): ["1", "2"],
}


@pytest.mark.parametrize(("kind", "answer"), ANSWERS)
def test_what_is_asked_is_open_and_each_answer_is_read(kind: str, answer: str, tmp_path: Path) -> None:
    DOUBTFUL[kind](tmp_path / "data")
    written = init(tmp_path / "data")
    assert len(written.found.open) == 1
    assert len(load_config(str(written.recipe)).data.questions) == 1
    for path in (written.recipe, written.picture):
        path.unlink()
    init(tmp_path / "data", lambda question: answer if answer in question.answers else None)
    config, read = masks(tmp_path)
    assert (config.data.task.classes, config.data.questions) == (ANSWERS[kind, answer], [])
    values = {*np.unique(np.stack(read)).tolist()}
    assert (255 in values) == (answer == "ignore")
    assert values - {255} == {0, *range(1, 1 + len(ANSWERS[kind, answer]))}
    if answer in ("objects", "object"):
        assert any(np.count_nonzero(mask) > np.count_nonzero(disc) for mask, disc in zip(read, discs(), strict=True))


def test_copies_whose_masks_disagree_are_told(tmp_path: Path) -> None:
    unlike_copies(tmp_path / "data")
    found = init(tmp_path / "data").found
    [left, told] = found.of_topic("copies")
    assert "4 images left out" in left.found
    assert told.found.startswith("masks of 2 copies disagree, as images/z3.png and images/a3.png, Dice 0.74")
    assert "whose mask is most like those of the other copies" in told.why
    assert found.data["leave_out"] == ["images/a4.png", "images/z3.png", "images/z5.png", "images/zz4.png"]
    assert any("the one that is kept is right" in each for each in found.unsure)


@pytest.mark.slow
def test_a_run_ends_at_the_open_question(tmp_path: Path) -> None:
    DOUBTFUL["numbers"](tmp_path / "data")
    done = maskline("run", init(tmp_path / "data").recipe, "--out", tmp_path / "out", "--json")
    assert (done.code, "Do they number objects of one class" in done.record["error"]) == (4, True)
