"""Data that were split elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest
from raw_images import write

from components.errors import UsageError
from components.example_gen.layouts.presplit import list_presplit, patterns
from components.example_gen.layouts.settings import Reading
from components.example_gen.samples import MaskFiles, Sample

DATA = Reading()


def fill(root: Path, *names: str) -> None:
    for name in names:
        folder, _, stem = name.partition("/")
        for kind in ("images", "masks"):
            write(root / folder / kind / f"{stem}.png", b"")


@pytest.mark.parametrize("name", ["valid", "val", "validation", "eval"])
def test_splits_come_from_the_folders(tmp_path: Path, name: str) -> None:
    fill(tmp_path, "train/a", f"{name}/b", "test/c", "extra/d")
    splits = {"train": "train", name: "eval", "test": "test"}
    assert list_presplit(tmp_path, DATA).samples == tuple(
        Sample(f"{folder}/{stem}", stem, f"{folder}/images/{stem}.png", MaskFiles((f"{folder}/masks/{stem}.png",)),
               split=split)
        for (folder, split), stem in zip(splits.items(), "abc", strict=True)
    )  # fmt: skip


def test_one_name_in_two_splits_is_one_group(tmp_path: Path) -> None:
    fill(tmp_path, "train/a", "test/a")
    samples = list_presplit(tmp_path, DATA).samples
    assert [sample.id for sample in samples] == ["train/a", "test/a"]
    assert {sample.group for sample in samples} == {"a"}


def test_rejects_name_their_split(tmp_path: Path) -> None:
    fill(tmp_path, "train/a", "valid/a")
    (tmp_path / "valid/masks/a.png").unlink()
    found = list_presplit(tmp_path, DATA)
    assert [reject.source for reject in found.rejects] == ["valid/images/a.png"]
    assert found.sources == 2


def test_settings_of_folders_hold_in_each_split(tmp_path: Path) -> None:
    write(tmp_path / "test/x/a.png", b"")
    write(tmp_path / "test/y/a_1.png", b"")
    data = Reading(images="x", masks="y", mask_pattern=r"(?P<name>.+)_\d")
    assert [sample.truth for sample in list_presplit(tmp_path, data).samples] == [MaskFiles(("test/y/a_1.png",))]


def test_no_split_at_all(tmp_path: Path) -> None:
    fill(tmp_path, "training/a")
    with pytest.raises(
        UsageError, match="has no folder of a split, expected train, valid and test, each with 'images'"
    ):
        list_presplit(tmp_path, DATA)


@pytest.mark.parametrize("pair", [("val", "valid"), ("eval", "valid")])
def test_two_folders_of_one_split(tmp_path: Path, pair: tuple[str, str]) -> None:
    fill(tmp_path, "train/a", *(f"{name}/b" for name in pair))
    with pytest.raises(UsageError, match=r"are both the split eval\. Keep one folder"):
        list_presplit(tmp_path, DATA)


def test_a_split_without_masks_is_named(tmp_path: Path) -> None:
    fill(tmp_path, "train/a")
    write(tmp_path / "test/images/b.png", b"")
    with pytest.raises(UsageError, match="/test: has no folder 'masks'"):
        list_presplit(tmp_path, DATA)


def test_patterns_reach_every_file_that_is_read(tmp_path: Path) -> None:
    fill(tmp_path, "train/a", "val/p/b", "test/c", "extra/d")
    read = {path for glob in patterns(DATA).values() for path in tmp_path.glob(glob) if path.is_file()}
    samples = list_presplit(tmp_path, DATA).samples
    assert {path.relative_to(tmp_path).as_posix() for path in read} == {
        path for sample in samples for path in (sample.image, *sample.truth.paths)
    }
    assert len(read) == 6
