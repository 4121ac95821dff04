"""Helpers that every layout uses."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest
from dicom_files import EIGHT, dicom
from raw_images import write

from components.example_gen.samples import (
    Drawing,
    Listing,
    MaskFiles,
    Reject,
    Sample,
    below,
    by_stem,
    image_files,
    mask_suffixes,
    merged,
    unread_files,
    without_suffix,
)
from components.imaging.files.codecs import SUFFIXES
from components.imaging.truth.settings import Mask


@pytest.mark.parametrize("reverse", [False, True])
def test_image_files_are_sorted_whatever_their_age(tmp_path: Path, reverse: bool) -> None:
    for name in sorted(["b.pgm", "a.PNG", "c.jpg", "d.JPEG", "e.txt", "f"], reverse=reverse):
        (tmp_path / name).touch()
    write(tmp_path / "folder.png" / "inside.png", b"")
    assert [path.name for path in image_files(tmp_path)] == ["a.PNG", "b.pgm", "c.jpg", "d.JPEG"]


def test_every_file_is_read_or_named_unless_it_was_left_behind(tmp_path: Path) -> None:
    left_behind = ["._a.png", ".DS_Store", "Thumbs.db", "desktop.ini", ".hidden.png"]
    for name in ["a.png", "b.npz", "c", "d.png.bak", *left_behind]:
        (tmp_path / "x" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "x" / name).touch()
    (tmp_path / "x" / "nowhere.png").symlink_to(tmp_path / "missing.png")
    (tmp_path / "x" / "loop.png").symlink_to(tmp_path / "x" / "loop.png")
    (tmp_path / "x" / "link.png").symlink_to(tmp_path / "x" / "a.png")
    assert [path.name for path in image_files(tmp_path / "x")] == ["a.png", "link.png"]
    kind, link = "unknown kind of file", "unreadable"
    rejects = list(unread_files(tmp_path, tmp_path / "x"))
    assert [(reject.source, reject.kind) for reject in rejects] == [
        ("x/b.npz", kind),
        ("x/c", kind),
        ("x/d.png.bak", kind),
        ("x/loop.png", link),
        ("x/nowhere.png", link),
    ]
    assert rejects[0].reason == f"a file of a kind that is not read; expected {', '.join(sorted(SUFFIXES))}"


def test_dicom_needs_no_suffix(tmp_path: Path) -> None:
    content = dicom(EIGHT)
    names = ["IM000001", "1.2.840.113619.2.55.3.5", "1.2.840.113619.2.55.3.6", "a.b", "a.png"]
    for name in names:
        write(tmp_path / name, content)
    write(tmp_path / "IM000002", content[132:])
    write(tmp_path / "README", b"text")
    write(tmp_path / "1.2.840.3", b"text")
    (tmp_path / "folder").mkdir()
    assert [path.name for path in image_files(tmp_path)] == [*names[1:3], "IM000001", "IM000002", "a.png"]
    assert [reject.source for reject in unread_files(tmp_path, tmp_path)] == ["1.2.840.3", "README", "a.b"]
    assert [path.name for path in image_files(tmp_path, mask_suffixes(Mask(form="one_hot")))] == []


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a/b.png", "a/b"),
        ("a/b.c.png", "a/b.c"),
        ("a/IM000001", "a/IM000001"),
        ("1.2.840.5", "1.2.840.5"),
        ("1.2.840.5.png", "1.2.840.5"),
        ("a/b.c.nii.gz", "a/b.c"),
        ("a/b.NII.GZ", "a/b"),
        ("a/b.nii", "a/b"),
        ("", "."),
        ("..", ".."),
    ],
)
def test_a_name_without_suffix(path: str, expected: str) -> None:
    assert without_suffix(PurePosixPath(path)).as_posix() == expected


def test_only_one_hot_masks_are_arrays() -> None:
    assert mask_suffixes(Mask(form="one_hot")) == {".npz"}
    assert mask_suffixes(Mask(form="indices")) == SUFFIXES | {".txt", ".csv"}
    assert ".npz" not in SUFFIXES


def test_by_stem() -> None:
    paths = [Path("x/a.png"), Path("x/b.c.png"), Path("x/a.jpg")]
    assert by_stem(paths) == {"a": [paths[0], paths[2]], "b.c": [paths[1]]}


def test_a_listing_below_a_folder_keeps_its_groups() -> None:
    listing = Listing(
        samples=(
            Sample(
                "a", "g", "i/a.png", MaskFiles(("m/a_1.png", "m/a_2.png"), (2, 1)), label="x", site="y", split="eval"
            ),
            Sample("b", "g", "i/b.png", Drawing()),
        ),
        rejects=(Reject("i/c.png", "kind", "reason"),),
        left_out=(Reject("i/d.png", "kind", "reason"),),
    )
    truth = MaskFiles(("span-1/m/a_1.png", "span-1/m/a_2.png"), (2, 1))
    assert below("span-1", listing) == Listing(
        samples=(
            Sample("span-1/a", "g", "span-1/i/a.png", truth, label="x", site="y", split="eval"),
            Sample("span-1/b", "g", "span-1/i/b.png", Drawing()),
        ),
        rejects=(Reject("span-1/i/c.png", "kind", "reason"),),
        left_out=(Reject("span-1/i/d.png", "kind", "reason"),),
    )
    both = merged([listing, below("span-1", listing)])
    assert both.sources == 2 * listing.sources == 8
    assert both.samples[:2] == listing.samples
    assert both.left_out[1].source == "span-1/i/d.png"
