"""The layouts, by the config."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from raw_images import write

from components.errors import UsageError
from components.example_gen.listing import fingerprint, list_samples

DATA: dict[str, Any] = {"truth_table": "Info.txt", "images": "images", "masks": "masks", "group_pattern": None}


def test_folders(tmp_path: Path) -> None:
    for name in ("images/a.png", "masks/a.png"):
        write(tmp_path / name, b"")
    [sample] = list_samples(tmp_path, {**DATA, "layout": "folders"}).samples
    assert (sample.image, sample.mask) == ("images/a.png", "masks/a.png")


def test_mias(tmp_path: Path) -> None:
    write(tmp_path / "mdb001.pgm", b"")
    write(tmp_path / "Truth.txt", b"mdb001 D NORM\n")
    [sample] = list_samples(tmp_path, {**DATA, "layout": "mias", "truth_table": "Truth.txt"}).samples
    assert (sample.image, sample.mask, sample.label) == ("mdb001.pgm", None, "normal")


@pytest.mark.parametrize("layout", ["folders", "mias"])
def test_no_folder(tmp_path: Path, layout: str) -> None:
    with pytest.raises(UsageError, match="nowhere: no such folder"):
        list_samples(tmp_path / "nowhere", {**DATA, "layout": layout})


@pytest.mark.parametrize("layout", ["folders", "mias"])
def test_a_file_is_no_folder(tmp_path: Path, layout: str) -> None:
    with pytest.raises(UsageError, match="no such folder"):
        list_samples(write(tmp_path / "file", b""), {**DATA, "layout": layout})


@pytest.mark.parametrize("layout", ["folders", "mias"])
def test_empty_folders(tmp_path: Path, layout: str) -> None:
    for name in ("images/notes.txt", "masks/notes.txt", "Info.txt"):
        write(tmp_path / name, b"nothing here\n")
    with pytest.raises(UsageError, match=f"holds no image. Expected PGM, PNG or JPG files in layout '{layout}'"):
        list_samples(tmp_path, {**DATA, "layout": layout})


def swap(one: Path, other: Path) -> None:
    one.rename(one.with_suffix(".kept"))
    other.rename(one)
    one.with_suffix(".kept").rename(other)


CHANGES: dict[str, Callable[[Path], None]] = {
    "two masks swapped": lambda root: swap(root / "masks/a.png", root / "masks/b.png"),
    "a pair renamed": lambda root: (root / "images/a.png").rename(root / "images/c.png") and None,
    "an edit of equal size": lambda root: os.utime(root / "images/a.png", ns=(0, 1_000_000_001)),
    "a file more": lambda root: write(root / "images/d.png", b""),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_fingerprint_sees_a_change(tmp_path: Path, change: Callable[[Path], None]) -> None:
    data = {**DATA, "layout": "folders"}
    for number, name in enumerate(["images/a.png", "masks/a.png", "images/b.png", "masks/b.png"]):
        write(tmp_path / name, b"same size")
        # Within one second, as copying makes them.
        os.utime(tmp_path / name, ns=(0, 1_000_000_000 + 10 * number))
    before = fingerprint(tmp_path, data)
    write(tmp_path / "notes.txt", b"not read")
    assert fingerprint(tmp_path, data) == before
    change(tmp_path)
    assert fingerprint(tmp_path, data) != before


def test_a_name_that_is_not_utf8(tmp_path: Path) -> None:
    for folder in ("images", "masks"):
        (tmp_path / folder).mkdir()
    Path(os.fsdecode(os.fsencode(tmp_path / "images") + b"/\xff.png")).touch()
    with pytest.raises(UsageError, match=r"a file whose name is not UTF-8: '\\udcff\.png'"):
        list_samples(tmp_path, {**DATA, "layout": "folders"})
