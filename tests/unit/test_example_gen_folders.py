"""Pairs of images and masks in two folders."""

from __future__ import annotations

from pathlib import Path

import pytest
from raw_images import write

from components.errors import UsageError
from components.example_gen.folders import list_folders
from components.example_gen.samples import Reject, Sample


def touch(root: Path, *names: str) -> None:
    for folder in ("images", "masks"):
        (root / folder).mkdir(exist_ok=True)
    for name in names:
        write(root / name, b"")


@pytest.mark.parametrize("reverse", [False, True])
def test_pairs_by_name_whatever_the_order_on_disk(tmp_path: Path, reverse: bool) -> None:
    images = [f"images/case{number}.png" for number in range(12)]
    masks = [f"masks/case{number}.pgm" for number in range(12)]
    touch(tmp_path, *sorted(images, reverse=reverse), *sorted(masks, reverse=not reverse))
    listing = list_folders(tmp_path, "images", "masks", None)
    assert not listing.rejects
    assert [(sample.image, sample.mask) for sample in listing.samples] == sorted(zip(images, masks, strict=True))
    assert [sample.id for sample in listing.samples] == [Path(image).stem for image in sorted(images)]


@pytest.mark.parametrize(
    ("names", "source", "reason"),
    [
        (["images/b.png"], "images/b.png", "an image without a mask of the same name"),
        (["masks/b.png"], "masks/b.png", "a mask without an image of the same name"),
        (
            ["images/b.png", "images/b.jpg", "masks/b.png"],
            "images/b.jpg",
            "several files of one name: images/b.jpg, images/b.png, masks/b.png",
        ),
        (
            ["images/b.png", "masks/b.pgm", "masks/b.png"],
            "images/b.png",
            "several files of one name: images/b.png, masks/b.pgm, masks/b.png",
        ),
        (["images/b.png", "images/b.jpg"], "images/b.jpg", "several files of one name: images/b.jpg, images/b.png"),
        (["masks/b.png", "masks/b.jpg"], "masks/b.jpg", "several files of one name: masks/b.jpg, masks/b.png"),
    ],
)
def test_what_has_no_partner_is_named(tmp_path: Path, names: list[str], source: str, reason: str) -> None:
    touch(tmp_path, "images/a.png", "masks/a.png", *names)
    listing = list_folders(tmp_path, "images", "masks", None)
    assert listing.samples == (Sample(id="a", group="a", image="images/a.png", mask="masks/a.png"),)
    assert listing.rejects == (Reject(source, reason),)
    assert listing.sources == 2


@pytest.mark.parametrize(
    ("pattern", "name", "group"),
    [
        (None, "p07_left", "p07_left"),
        (r"^(p\d+)_", "p07_left", "p07"),
        (r"(\d+)$", "20_rotated_244", "244"),
        (r"^(x\d+)", "p07_left", None),
        (r"(x\d+)?$", "p07_left", None),
        (r"(x*)", "p07_left", None),
    ],
)
def test_group_of_a_name(tmp_path: Path, pattern: str | None, name: str, group: str | None) -> None:
    touch(tmp_path, f"images/{name}.png", f"masks/{name}.png")
    listing = list_folders(tmp_path, "images", "masks", pattern)
    if group is None:
        reason = f"[data] group_pattern {pattern!r} finds no group in the name"
        assert listing.rejects == (Reject(f"images/{name}.png", reason),)
    else:
        assert [sample.group for sample in listing.samples] == [group]


def test_other_folder_names(tmp_path: Path) -> None:
    write(tmp_path / "x" / "films" / "a.png", b"")
    write(tmp_path / "truth" / "a.png", b"")
    [sample] = list_folders(tmp_path, "x/films", "truth", None).samples
    assert (sample.image, sample.mask) == ("x/films/a.png", "truth/a.png")


@pytest.mark.parametrize("missing", ["images", "masks"])
def test_a_missing_folder_is_named(tmp_path: Path, missing: str) -> None:
    touch(tmp_path)
    (tmp_path / missing).rmdir()
    with pytest.raises(UsageError, match=f"has no folder '{missing}', expected 'images' and 'masks'") as caught:
        list_folders(tmp_path, "images", "masks", None)
    assert str(caught.value).startswith(f"{tmp_path}: ")


def test_files_of_another_kind_are_named(tmp_path: Path) -> None:
    touch(tmp_path, "images/a.png", "masks/a.png", "images/b.tif", "masks/b.tif", "images/.hidden")
    listing = list_folders(tmp_path, "images", "masks", None)
    assert [sample.id for sample in listing.samples] == ["a"]
    assert [reject.source for reject in listing.rejects] == ["images/b.tif", "masks/b.tif"]
    assert all("not read; expected .jpeg, .jpg, .pgm, .png" in reject.reason for reject in listing.rejects)
