"""How files belong together, and which split they are in: what `maskline init` writes, and what it says of it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import found_places as places
import pytest
from driver import maskline
from found_folders import COUNT

from components.errors import UsageError
from components.example_gen.listing import list_samples
from components.example_gen.samples import Listing
from pipeline.config.loader import load_config
from pipeline.config.root import Config
from pipeline.runs.init.core import understood, write
from pipeline.runs.init.questions import Ask, nobody
from pipeline.runs.init.understanding import Understanding

SMALL = ('model.architecture="unet"', 'model.parameters={levels=3, base_filters=4, normalisation="batch"}')


@dataclass(frozen=True)
class Init:
    found: Understanding
    config: Config
    listing: Listing

    def told(self, topic: str) -> str:
        return "\n".join(f"{row.found}: {row.why}" for row in self.found.rows if row.topic == topic)

    @property
    def splits(self) -> Counter[str]:
        return Counter("train" if each.split.startswith("fold") else each.split for each in self.listing.samples)

    @property
    def groups(self) -> int:
        return len({sample.group for sample in self.listing.samples})


def init(kind: Callable[[Path], None], root: Path, ask: Ask = nobody) -> Init:
    kind(root / "data")
    found = understood(root / "data", [])
    found.ask(ask)
    write(found, root / "recipe.toml", [], lambda items, _: items)
    config = load_config(str(root / "recipe.toml"))
    return Init(found, config, list_samples(root / "data", config.records))


@pytest.mark.parametrize(
    ("kind", "splits", "said"),
    [
        (places.roboflow, {"train": 14, "eval": 5, "test": 5}, "test = test, train = train, valid = eval"),
        (places.coco_2017, {"train": 16, "test": 8}, "train2017 = train, val2017 = test"),
        (places.one_folder_of_images, {"train": 14, "eval": 5, "test": 5}, "test = test, train = train, valid = eval"),
        (places.gland_splits, {"train": 16, "test": 8}, "testA = test, testB = test, train = train"),
        (places.three_splits_one_without_masks, {"train": 14, "test": 5}, "train = train, valid = test"),
    ],
)
def test_published_splits_are_kept(
    kind: Callable[[Path], None], splits: dict[str, int], said: str, tmp_path: Path
) -> None:
    made = init(kind, tmp_path)
    assert (made.splits, made.listing.rejects) == (splits, ())
    assert made.told("splits").startswith(said)


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (places.coco_2017, "test2017 (4 images)"),
        (places.test_without_masks, "stage1_test (4 images)"),
        (places.three_splits_one_without_masks, "test (5 images)"),
    ],
)
def test_a_split_without_masks_is_told_and_left_out(kind: Callable[[Path], None], said: str, tmp_path: Path) -> None:
    made = init(kind, tmp_path)
    assert made.told("without truth") == f"{said}: none of them has a mask: left out"
    assert (made.listing.rejects, made.found.open) == ((), [])


def test_copies_of_one_name_are_left_out_of_train(tmp_path: Path) -> None:
    made = init(places.copies_of_one_name, tmp_path)
    assert made.config.data.leave_out == ["train/images/3.png", "train/images/7.png"]
    assert "2 stand in another split" in made.told("copies")
    assert made.splits == {"train": 16, "test": 8}


@pytest.mark.parametrize("kind", [places.numbers_begin_anew, places.gland_splits, places.published_folds])
def test_numbers_that_begin_anew_are_no_patients(kind: Callable[[Path], None], tmp_path: Path) -> None:
    made = init(kind, tmp_path)
    assert made.groups == COUNT
    assert "numbers begin anew in each folder" in made.told("groups")
    assert any(guess.startswith("that equal numbers in different folders") for guess in made.found.unsure)


def test_patients_of_two_splits_have_the_splits_drawn_anew(tmp_path: Path) -> None:
    made = init(places.patients_in_both, tmp_path)
    assert "6 groups stand in several of the published ones, as 'P06': test/images/P06_18.png" in made.told("splits")
    split_of = {(sample.group, sample.split) for sample in made.listing.samples}
    assert (made.groups, len(split_of)) == (12, 12)


@pytest.mark.parametrize(
    "kind", [places.dermoscopic, places.brackets, places.umlauts, places.zero_padded, places.linked_labels]
)
def test_names_that_pair(kind: Callable[[Path], None], tmp_path: Path) -> None:
    made = init(kind, tmp_path)
    assert (len(made.listing.samples), made.listing.rejects) == (COUNT, ())


def test_equal_numbers_are_no_pair_where_several_may_be_meant(tmp_path: Path) -> None:
    places.zero_padded(tmp_path / "more")
    places.pair(tmp_path / "more", "07", "", 7)
    made = init(lambda root: (tmp_path / "more").rename(root) and None, tmp_path)
    assert {reject.source for reject in made.listing.rejects} == {"07.png", "7.png", "007_mask.png"}


def test_under_half_of_the_images_is_a_question(tmp_path: Path) -> None:
    [question] = init(places.few_masks, tmp_path).found.open
    assert question.startswith("[data]: 15 of 24 pair with no mask, or with no image, as images/10.png.")
    assert question.endswith("If so, remove this line from `questions`.")


@pytest.mark.parametrize(("kind", "link"), [(places.linked, "images"), (places.linked_documents, "scans")])
def test_links_to_folders_are_followed_and_told(kind: Callable[[Path], None], link: str, tmp_path: Path) -> None:
    made = init(kind, tmp_path)
    assert (len(made.listing.samples), made.listing.rejects) == (COUNT, ())
    assert made.told("links").startswith(f"{link} leads to {tmp_path / 'store'}")


def test_spans_are_no_patients(tmp_path: Path) -> None:
    made = init(places.span_folders, tmp_path)
    assert (made.config.data.spans, made.groups) == (0, COUNT)


def test_an_answer_takes_back_what_was_said_of_groups(tmp_path: Path) -> None:
    made = init(places.patients_in_both, tmp_path, lambda _: "no")
    assert made.told("groups") == ""
    assert made.groups == COUNT


def test_modalities_have_a_sentence(tmp_path: Path) -> None:
    made = init(places.modalities, tmp_path)
    assert made.told("modalities").startswith("images of one case that end in _0001: not read: an image is read alone")
    assert (len(made.listing.samples), made.told("not read")) == (COUNT, "")


def test_classes_leave_other_folders_alone(tmp_path: Path) -> None:
    made = init(places.classes_beside_others, tmp_path)
    assert made.config.data.paths.masks == ["{class:disc_mask|rim_gt}/{name}"]
    assert (made.config.data.classes, made.listing.rejects) == (["disc_mask", "rim_gt"], ())
    assert made.told("not read").startswith(f"depth: {COUNT} images")


def test_a_broken_document_is_named(tmp_path: Path) -> None:
    made = init(places.labelme, tmp_path)
    assert made.told("rejects").startswith("2 files: 5.json: not JSON")
    assert len(made.listing.samples) == COUNT - 1


def test_a_sample_of_files_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.runs.init.core._MOST_READ", 12)
    assert init(places.zero_padded, tmp_path).told("copies") == "looked for among 12 of 24 images: a run looks at all"


def test_a_folder_that_no_run_can_read_is_refused(tmp_path: Path) -> None:
    places.zero_padded(tmp_path / "data [1]")
    found = understood(tmp_path / "data [1]", [])
    with pytest.raises(UsageError, match=r"data \[1\]: has one of the characters"):
        write(found, tmp_path / "recipe.toml", [], lambda items, _: items)


@pytest.mark.slow
@pytest.mark.parametrize("kind", [places.few_masks, places.roboflow, places.brackets, places.linked])
def test_init_and_a_run_of_one_epoch(kind: Callable[[Path], None], tmp_path: Path) -> None:
    kind(tmp_path / "data")
    recipe = tmp_path / "recipe.toml"
    said = maskline("init", tmp_path / "data", "--yes", "--out", recipe)
    small = [part for said in ("training.epochs=1", *SMALL) for part in ("--set", said)]
    done = maskline("run", recipe, "--out", tmp_path / "out", "--json", *small)
    if kind is places.few_masks:
        assert "Answer first" in said.stdout
        assert "pair with no mask" in json.dumps(done.record)
        assert done.code == 4
        return
    assert "Then: maskline run" in said.stdout
    assert done.code in (0, 3), done.stdout
