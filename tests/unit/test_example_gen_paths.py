"""Pairs wherever they stand, by templates of their paths."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from raw_images import write

from components.example_gen.layouts.paths import list_paths, patterns
from components.example_gen.layouts.settings import Paths, Reading
from components.example_gen.samples import Listing, MaskFiles, NotLaidOut, Sample


def listing(root: Path, paths: dict[str, Any], *names: str, **changes: Any) -> Listing:
    for name in names:
        write(root / name, b"")
    return list_paths(root, reading(paths, **changes))


def reading(paths: dict[str, Any], **changes: Any) -> Reading:
    return Reading(paths=Paths(**paths), **changes)


def sample(id: str, group: str, image: str, *masks: str, classes: tuple[int, ...] = (), **more: str) -> Sample:
    return Sample(id, group, image, MaskFiles(masks, classes), **more)


BESIDE = {"image": "{label}/{name}", "masks": ["{label}/{name}_mask*"]}


@pytest.mark.parametrize(
    ("paths", "names", "expected"),
    [
        (
            BESIDE,
            ["benign/benign (4).png", "benign/benign (4)_mask.png", "benign/benign (4)_mask_1.png"],
            sample(
                "benign/benign (4)",
                "benign (4)",
                "benign/benign (4).png",
                "benign/benign (4)_mask.png",
                "benign/benign (4)_mask_1.png",
                label="benign",
            ),
        ),
        (
            {"image": "{group}/{name}", "masks": ["{group}/{name}_mask"]},
            ["PAT_00/PAT_00_1.tif", "PAT_00/PAT_00_1_mask.tif"],
            sample("PAT_00/PAT_00_1", "PAT_00", "PAT_00/PAT_00_1.tif", "PAT_00/PAT_00_1_mask.tif"),
        ),
        (
            {"image": "imagesTr/{name}_0000", "masks": ["labelsTr/{name}"]},
            ["imagesTr/case_000_0000.png", "labelsTr/case_000.png"],
            sample("imagesTr/case_000_0000", "case_000", "imagesTr/case_000_0000.png", "labelsTr/case_000.png"),
        ),
        (
            {
                "image": "{split}/images/{name}_{split}",
                "masks": ["{split}/1st_manual/{name}_manual1"],
                "region": "{split}/mask/{name}_{split}_mask",
                "splits": {"training": "train"},
            },
            [
                "training/images/21_training.tif",
                "training/1st_manual/21_manual1.png",
                "training/mask/21_training_mask.png",
            ],
            sample(
                "training/images/21_training",
                "21",
                "training/images/21_training.tif",
                "training/1st_manual/21_manual1.png",
                split="train",
                region="training/mask/21_training_mask.png",
            ),
        ),
        (
            {"image": "stage1_train/{name}/images/{name}", "masks": ["stage1_train/{name}/masks/*"]},
            [f"stage1_train/0f/{path}.png" for path in ("images/0f", "masks/a", "masks/b")],
            sample(
                "stage1_train/0f/images/0f",
                "0f",
                "stage1_train/0f/images/0f.png",
                "stage1_train/0f/masks/a.png",
                "stage1_train/0f/masks/b.png",
            ),
        ),
        (
            {"image": "images/{name}", "masks": ["masks/{class}/{name}"]},
            ["images/a.png", "masks/rim/a.png", "masks/disc/a.png"],
            sample("images/a", "a", "images/a.png", "masks/disc/a.png", "masks/rim/a.png", classes=(2, 1)),
        ),
        (
            # The mask's template matches the image as well, and says less.
            {"image": "{name}_img", "masks": ["{name}"]},
            ["a_img.png", "a.png"],
            sample("a_img", "a", "a_img.png", "a.png"),
        ),
    ],
    ids=["suffix", "patients", "nnU-Net", "region", "objects", "classes", "longer image"],
)
def test_kinds_of_folders(tmp_path: Path, paths: dict[str, Any], names: list[str], expected: Sample) -> None:
    classes = ["rim", "disc"] if expected.truth.classes else []
    found = listing(tmp_path, paths, *names, "readme.txt", ".DS_Store", classes=classes)
    assert found == Listing((expected,), ())
    globs, files = patterns(reading(paths)).values(), {tmp_path / name for name in names}
    assert {path for glob in globs for path in tmp_path.glob(glob) if path.is_file()} >= files


def test_what_belongs_to_nothing_is_named(tmp_path: Path) -> None:
    paths = {"image": "{split}/{name}", "masks": ["{split}/{name}_mask"]}
    names = ["train/a.png", "train/b_mask.png", "other/c.png", "other/c_mask.png", "val/d.jpg", "val/d.png"]
    found = listing(tmp_path, paths, *names, "val/d_mask.png")
    assert not found.samples
    assert {reject.source: reject.reason for reject in found.rejects} == {
        "train/a.png": "no mask is at {split}/{name}_mask for it",
        "train/b_mask.png": "no image has its name 'b', split 'train'",
        "other/c.png": "[data.paths] splits has no 'other': it has train, valid, val, validation, eval, test",
        "val/d.jpg": "several images of one name: val/d.jpg, val/d.png",
    }


def test_what_no_template_names_is_left_out(tmp_path: Path) -> None:
    found = listing(tmp_path, {"image": "x_{name}", "masks": ["{name}_m"]}, "x_a.png", "a_m.png", "xa.png")
    assert [sample.image for sample in found.samples] == ["x_a.png"]
    assert found.left_out == ()


def test_others_are_neither_images_nor_masks(tmp_path: Path) -> None:
    paths = {"image": "{name}", "masks": ["{name}_1stHO"], "others": ["{name}_*HO", "spare/{name}"]}
    names = ["a.jpg", "a_1stHO.png", "a_2ndHO.png", "a_3rdHO.png", "spare/a.png"]
    found = listing(tmp_path, paths, *names)
    assert (found.samples, found.rejects) == ((sample("a", "a", "a.jpg", "a_1stHO.png"),), ())
    assert [each.source for each in found.left_out] == names[2:]
    assert {each.reason for each in found.left_out} == {"[data.paths] others has it"}


def test_a_split_of_none_is_left_out(tmp_path: Path) -> None:
    paths = {"image": "{split}/{name}", "masks": ["{split}/{name}_mask"], "splits": {"a": "train", "b": "none"}}
    found = listing(tmp_path, paths, "a/1.png", "a/1_mask.png", "b/1.png")
    assert ([each.split for each in found.samples], found.rejects) == (["train"], ())
    assert [(each.source, each.reason) for each in found.left_out] == [("b/1.png", "[data.paths] splits leave out 'b'")]


def test_without_splits_their_field_tells_equal_names_apart(tmp_path: Path) -> None:
    paths = {"image": "{split}/{name}", "masks": ["{split}/{name}_mask"], "splits": {}}
    found = listing(tmp_path, paths, "fold1/1.png", "fold1/1_mask.png", "fold2/1.png", "fold2/1_mask.png")
    assert [(each.image, each.split, each.group) for each in found.samples] == [
        ("fold1/1.png", "", "1"),
        ("fold2/1.png", "", "1"),
    ]


def test_a_field_may_say_what_it_stands_for(tmp_path: Path) -> None:
    paths = {"image": "images/{name}", "masks": ["{class:rim|disc}/{name}"]}
    names = ["images/a.png", "rim/a.png", "disc/a.png", "depth/a.png"]
    [only] = listing(tmp_path, paths, *names, classes=["rim", "disc"]).samples
    assert only.truth == MaskFiles(("disc/a.png", "rim/a.png"), (2, 1))


@pytest.mark.parametrize(("images", "pairs"), [(["7"], 1), (["7", "07"], 0), (["7", "007"], 1)])
def test_leading_zeros_may_differ_where_one_pair_is_meant(tmp_path: Path, images: list[str], pairs: int) -> None:
    paths = {"image": "images/{name}", "masks": ["masks/{name}"]}
    found = listing(tmp_path, paths, *(f"images/{image}.png" for image in images), "masks/007.png")
    assert len(found.samples) == pairs
    assert len(found.samples) + len(found.rejects) == len(images) + 1 - pairs


def test_accents_are_one_letter_however_they_are_written(tmp_path: Path) -> None:
    paths = {"image": "F\u00e4lle/{name}", "masks": ["Masken/{name}"]}
    found = listing(tmp_path, paths, "Fa\u0308lle/\u00fc.png", "Masken/u\u0308.png")
    assert [each.group for each in found.samples] == ["\u00fc"]


def test_a_folder_under_another_name_is_read_once(tmp_path: Path) -> None:
    write(tmp_path / "benign/a.png", b"")
    (tmp_path / "current").symlink_to(tmp_path / "benign", target_is_directory=True)
    found = listing(tmp_path, {"image": "{label}/{name}", "masks": ["{label}/{name}_mask"]}, "benign/a_mask.png")
    assert [each.image for each in found.samples] == ["benign/a.png"]


def test_no_image_at_all(tmp_path: Path) -> None:
    with pytest.raises(NotLaidOut, match=r"no image is at '\{label\}/\{name\}'\. Correct \[data\.paths\] image"):
        listing(tmp_path, BESIDE, "a.png")


@pytest.mark.parametrize(
    ("paths", "message"),
    [
        ({"image": "images/*"}, r"image 'images/\*': lacks \{name\}"),
        ({"masks": ["../{name}"]}, "masks '../{name}': expected a path within the input folder"),
        ({"image": "{class}/{name}"}, r"image .*: has '\{class\}', expected \{name\}, \{group\}"),
        ({"image": "{name"}, r"has '\{', expected"),
        ({"image": "{}/{name}"}, r"has '\{\}', expected"),
        ({"image": "{:a}/{name}"}, r"has '\{:a\}', expected"),
    ],
)
def test_texts_that_are_no_templates(paths: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Paths(**paths)
