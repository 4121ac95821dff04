"""Pairs of images and masks in two folders."""

from __future__ import annotations

import random
import re
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from raw_images import write

from components.errors import UsageError
from components.example_gen.layouts.folders import list_folders, patterns
from components.example_gen.layouts.settings import Reading
from components.example_gen.samples import Listing, MaskFiles, Reject, Sample
from components.imaging.files.codecs import SUFFIXES
from components.imaging.truth.settings import Mask

NUMBERED = r"(?P<name>.+)_\d+"
BY_CLASS = r"(?P<name>.+)_(?P<class>[a-z]+)\d*"


def listing(root: Path, *names: str, **changes: Any) -> Listing:
    for folder in ("images", "masks"):
        (root / folder).mkdir(exist_ok=True)
    for name in names:
        write(root / name, b"")
    return list_folders(root, Reading(**changes))


def pair(name: str, *masks: str, classes: tuple[int, ...] = ()) -> Sample:
    return Sample(name, name, f"images/{name}.png", MaskFiles(masks or (f"masks/{name}.png",), classes))


@pytest.mark.parametrize("reverse", [False, True])
def test_pairs_by_name_whatever_the_order_on_disk(tmp_path: Path, reverse: bool) -> None:
    images = [f"images/case{number}.png" for number in range(12)]
    masks = [f"masks/case{number}.pgm" for number in range(12)]
    found = listing(tmp_path, *sorted(images, reverse=reverse), *sorted(masks, reverse=not reverse))
    assert not found.rejects
    pairs = [(image, MaskFiles((mask,))) for image, mask in zip(images, masks, strict=True)]
    assert [(sample.image, sample.truth) for sample in found.samples] == sorted(pairs, key=lambda pair: pair[0])
    assert [sample.id for sample in found.samples] == [Path(image).stem for image in sorted(images)]
    assert [sample.group for sample in found.samples] == [sample.id for sample in found.samples]


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
        (["images/b.png", "images/b.PNG"], "images/b.PNG", "several files of one name: images/b.PNG, images/b.png"),
        (["masks/b.png", "masks/b.jpg"], "masks/b.jpg", "several files of one name: masks/b.jpg, masks/b.png"),
    ],
)
def test_what_has_no_partner_is_named(tmp_path: Path, names: list[str], source: str, reason: str) -> None:
    found = listing(tmp_path, "images/a.png", "masks/a.png", *names)
    assert found.samples == (pair("a"),)
    assert found.rejects == (Reject(source, "pairing", reason),)
    assert found.sources == 2


def test_a_mask_of_a_similar_name_is_pointed_out(tmp_path: Path) -> None:
    found = listing(tmp_path, "images/p01.png", "masks/p01_mask.png", "images/P02.png", "masks/p02.png")
    reasons = {reject.source: reject.reason for reject in found.rejects}
    assert reasons["images/p01.png"] == (
        "an image without a mask of the same name; there is a mask 'p01_mask': "
        "[data] mask_pattern = '(?P<name>.+)_mask' pairs such names"
    )
    assert "there is a mask 'p02': it differs in upper and lower case" in reasons["images/P02.png"]
    assert set(reasons) == {"images/p01.png", "masks/p01_mask.png", "images/P02.png", "masks/p02.png"}


def test_a_mask_that_has_its_image_is_not_pointed_out(tmp_path: Path) -> None:
    found = listing(tmp_path, "images/p01.png", "images/p01_b.png", "masks/p01_b.png")
    assert [reject.reason for reject in found.rejects] == ["an image without a mask of the same name"]


def test_names_that_differ_in_case_are_different(tmp_path: Path) -> None:
    names = [f"{folder}/{name}.png" for folder in ("images", "masks") for name in "aA"]
    assert listing(tmp_path, *names).samples == (pair("A"), pair("a"))


def test_several_masks_of_one_image(tmp_path: Path) -> None:
    masks = ["masks/a_10.png", "masks/a_2.png", "masks/b_1.tif.png"]
    found = listing(tmp_path, "images/a.png", "images/c.png", *masks, "masks/x.png", mask_pattern=NUMBERED)
    assert found.samples == (pair("a", "masks/a_10.png", "masks/a_2.png"),)
    assert set(found.rejects) == {
        Reject("masks/x.png", "pairing", rf"[data] mask_pattern {NUMBERED!r} does not match 'x'"),
        Reject("masks/b_1.tif.png", "pairing", rf"[data] mask_pattern {NUMBERED!r} does not match 'b_1.tif'"),
        Reject("images/c.png", "pairing", "an image without a mask of the same name"),
    }


def test_masks_of_an_image_that_is_missing_are_one_reject(tmp_path: Path) -> None:
    found = listing(tmp_path, "masks/a_1.png", "masks/a_2.png", mask_pattern=NUMBERED)
    assert found.rejects == (
        Reject(
            "masks/a_1.png",
            "pairing",
            "no image is named 'a', to which [data] mask_pattern gives masks/a_1.png, masks/a_2.png",
        ),
    )


def test_the_class_of_each_mask(tmp_path: Path) -> None:
    masks = ("masks/a_calc.png", "masks/a_mass1.png", "masks/a_mass2.png")
    found = listing(tmp_path, "images/a.png", *masks, mask_pattern=BY_CLASS, classes=["mass", "calc"])
    assert found == Listing((pair("a", *masks, classes=(2, 1, 1)),), ())


def test_a_mask_of_an_unknown_class_rejects_its_image(tmp_path: Path) -> None:
    """Its truth would lack that part."""
    names = ["images/a.png", "masks/a_mass.png", "masks/a_cyst.png"]
    found = listing(tmp_path, *names, mask_pattern=BY_CLASS, classes=["mass", "calc"])
    reason = "masks/a_cyst.png is of class 'cyst', [data] classes are ['mass', 'calc']"
    assert found == Listing((), (Reject("images/a.png", "truth", reason),))


def test_a_mask_without_its_class_rejects_its_image(tmp_path: Path) -> None:
    pattern = r"(?P<name>[^_]+)(_(?P<class>.+))?"
    found = listing(tmp_path, "images/a.png", "masks/a.png", mask_pattern=pattern, classes=["mass"])
    assert [reject.reason for reject in found.rejects] == ["masks/a.png is of class None, [data] classes are ['mass']"]


def test_two_masks_of_one_name_reject_their_image(tmp_path: Path) -> None:
    names = ["images/a.png", "masks/a_1.png", "masks/a_1.jpg", "masks/a_2.png"]
    [reject] = listing(tmp_path, *names, mask_pattern=NUMBERED).rejects
    assert reject.source == "images/a.png"
    assert reject.reason == ("several files of one name: images/a.png, masks/a_1.jpg, masks/a_1.png, masks/a_2.png")


def test_folders_of_masks(tmp_path: Path) -> None:
    pattern = r"(?P<class>[^/]+)/(?P<name>.+)"
    masks = ("masks/calc/a.png", "masks/mass/a.png")
    found = listing(tmp_path, "images/a.png", *masks, mask_pattern=pattern, classes=["mass", "calc"])
    assert found.samples == (pair("a", *masks, classes=(2, 1)),)


def test_the_class_stays_with_its_mask_whatever_folder_it_is_in(tmp_path: Path) -> None:
    pattern = r"(?:[^/]+/)?(?P<name>[^/]+)_(?P<class>.+)"
    masks = ("masks/Z/a_calc.png", "masks/a_mass.png")
    found = listing(tmp_path, "images/a.png", *masks, mask_pattern=pattern, classes=["mass", "calc"])
    assert found.samples == (pair("a", *masks, classes=(2, 1)),)


def test_folders_of_images_are_part_of_the_names(tmp_path: Path) -> None:
    names = [f"{folder}/{name}.png" for folder in ("images", "masks") for name in ("p1/a", "p2/a")]
    assert listing(tmp_path, *names).samples == (pair("p1/a"), pair("p2/a"))


def test_deeper_folders_are_named(tmp_path: Path) -> None:
    found = listing(tmp_path, "images/p/a.png", "masks/p/a.png", "images/p/q/b.png", "masks/__MACOSX/a.png")
    assert found.samples == (pair("p/a"),)
    assert found.rejects == (
        Reject("images/p/q", "too deep", "not read: images may hold folders, but those no others"),
    )


def test_masks_as_arrays(tmp_path: Path) -> None:
    names = ["images/a.png", "masks/a.npz", "images/b.npz", "masks/b.png"]
    found = listing(tmp_path, *names, mask=Mask(form="one_hot"))
    assert found.samples == (pair("a", "masks/a.npz"),)
    assert {reject.source: reject.reason.partition("expected ")[2] for reject in found.rejects} == {
        "images/b.npz": ", ".join(sorted(SUFFIXES)),
        "masks/b.png": ".npz",
    }


def test_other_folder_names(tmp_path: Path) -> None:
    found = listing(tmp_path, "x/films/a.png", "truth/a.png", images="x/films", masks="truth")
    assert found.samples == (Sample("a", "a", "x/films/a.png", MaskFiles(("truth/a.png",))),)


@pytest.mark.parametrize("missing", ["images", "masks"])
def test_a_missing_folder_is_named(tmp_path: Path, missing: str) -> None:
    listing(tmp_path)
    (tmp_path / missing).rmdir()
    with pytest.raises(UsageError, match=f"has no folder '{missing}', expected 'images' and 'masks'") as caught:
        list_folders(tmp_path, Reading())
    assert str(caught.value).startswith(f"{tmp_path}: ")


def test_files_of_another_kind_are_named(tmp_path: Path) -> None:
    names = ["images/a.png", "masks/a.png", "images/b.txt", "masks/p/b.txt", "images/.DS_Store", "masks/Thumbs.db"]
    found = listing(tmp_path, *names)
    assert found.samples == (pair("a"),)
    assert [(reject.source, reject.kind) for reject in found.rejects] == [
        ("images/b.txt", "unknown kind of file"),
        ("masks/p/b.txt", "unknown kind of file"),
    ]


def test_patterns_reach_every_file_that_is_read(tmp_path: Path) -> None:
    names = {"x/i/a.png", "x/i/p/a.png", "m/a.png", "m/p/a.png"}
    for name in [*names, "a.png", "x/a.png", "m/p/q/a.png"]:
        write(tmp_path / name, b"")
    globs = patterns(Reading(images="x/i", masks="m")).values()
    files = [path for glob in globs for path in tmp_path.glob(glob) if path.is_file()]
    assert sorted(path.relative_to(tmp_path).as_posix() for path in files) == sorted(names)


FILE = st.builds(
    lambda folder, stem, suffix: f"{folder}{stem}{suffix}",
    st.sampled_from(["", "p/", "q/", "p/q/"]),
    st.sampled_from(["a", "A", "b", "a_1", "a_2", "b_x", "a.b", "é", ".a", " a", "a_1_1", "1", "_1"]),
    st.sampled_from([".png", ".PNG", ".jpg", ".txt", "", ".npz"]),
)


@settings(max_examples=40, deadline=None)
@given(
    images=st.sets(FILE, max_size=8),
    masks=st.sets(FILE, max_size=8),
    pattern=st.sampled_from([None, NUMBERED, BY_CLASS]),
)
@example(images={"a.png"}, masks={"a_1.png", "a_2.png"}, pattern=NUMBERED)
@example(images={"a.png", "a.jpg"}, masks={"a.png", "p/a.png"}, pattern=None)
def test_every_file_is_in_one_sample_or_one_reject(images: set[str], masks: set[str], pattern: str | None) -> None:
    names = [*(f"images/{name}" for name in images), *(f"masks/{name}" for name in masks)]
    changes: dict[str, Any] = {"mask_pattern": pattern, "classes": ["x"]}
    random.Random(0).shuffle(names)
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        found = listing(Path(one), *names, **changes)
        assert listing(Path(other), *reversed(names), **changes) == found
    accounted = [
        *(path for sample in found.samples for path in (sample.image, *sample.truth.paths)),
        *(path for reject in found.rejects for path in _files(reject)),
    ]
    shallow = [name for name in names if name.count("/") < 3 and "/." not in name]
    too_deep = {"/".join(name.split("/")[:3]) for name in names if name.count("/") == 3}
    assert sorted(accounted) == sorted([*shallow, *too_deep])
    for sample in found.samples:
        assert sample.image == f"images/{sample.id}{Path(sample.image).suffix}"
        for path in sample.truth.paths:
            assert path.startswith(f"masks/{sample.id}")


def _files(reject: Reject) -> set[str]:
    """The source, and what the reason names beside it."""
    listed = re.search("(?:several files of one name: |pattern gives )(.+)", reject.reason)
    return {reject.source, *(listed[1].split(", ") if listed else ())}
