"""The layouts, by the config."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from raw_images import write

from components.errors import UsageError
from components.example_gen.listing import list_samples

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
