"""What the names of a folder's files tell: templates of images and masks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import product

import pytest

from pipeline.runs.init.groups import groups_in
from pipeline.runs.init.pairing import common_name
from pipeline.runs.init.paths import FoundPaths, find_paths
from pipeline.runs.init.splitting import split_word


def names(*patterns: str, count: Iterable[int] = range(1, 10), **fields: Sequence[str]) -> list[str]:
    """Each pattern with all numbers and fields."""
    return [
        pattern.format(n=number, **dict(zip(fields, values, strict=True)))
        for pattern in patterns
        for number in count
        for values in product(*fields.values())
    ]


def found(paths: Sequence[str], wide: str = "\0") -> FoundPaths:
    templates = find_paths(sorted({*paths}), lambda path: 0.7 if wide in path else 0.1)
    assert templates is not None
    return templates


CLASSES = {"label": ["benign", "malignant", "normal"]}
DRIVE = [
    *names("training/images/{n}_training", "training/1st_manual/{n}_manual1", count=range(21, 41)),
    *names("training/mask/{n}_training_mask", "test/mask/{n:02}_test_mask", count=range(1, 21)),
    *names("training/mask/{n}_training_mask", count=range(21, 41)),
    *names("test/images/{n:02}_test", "test/1st_manual/{n:02}_manual1", "test/2nd_manual/{n:02}_manual2"),
]


@pytest.mark.parametrize(
    ("paths", "image", "mask"),
    [
        (
            [*names("{label}/{label} ({n})", "{label}/{label} ({n})_mask", **CLASSES), "benign/benign (4)_mask_1"],
            "{label}/{name}",
            "{label}/{name}_mask*",
        ),
        (names("P{p}/P{p}_{n}", "P{p}/P{p}_{n}_mask", p=["01", "02", "07"]), "{group}/{name}", "{group}/{name}_mask"),
        (
            names("images{s}/case_{n:03}_0000", "labels{s}/case_{n:03}", s=["Tr", "Ts"]),
            "images{split}/{name}_0000",
            "labels{split}/{name}",
        ),
        (names("ISIC_{n:07}", "ISIC_{n:07}_segmentation"), "{name}", "{name}_segmentation"),
        (names("image/{n}", "label/{n}"), "image/{name}", "label/{name}"),
        (
            names("VOC/JPEGImages/a{n}", "VOC/SegmentationClass/a{n}"),
            "VOC/JPEGImages/{name}",
            "VOC/SegmentationClass/{name}",
        ),
        (names("Original/{n}", "Ground Truth/{n}"), "Original/{name}", "Ground Truth/{name}"),
        (
            names("stage1_train/{n:08x}/images/{n:08x}", "stage1_train/{n:08x}/masks/{m}f{n}", m=["3a", "8c"]),
            "stage1_train/{name}/images/{name}",
            "stage1_train/{name}/masks/*",
        ),
        (names("case{n}/image", "case{n}/mask"), "{name}/image", "{name}/mask"),
        (names("img_{n}", "mask_{n}"), "img_{name}", "mask_{name}"),
        (
            names("{s}_images/x{n}", "{s}_masks/x{n}", s=["train", "test"]),
            "{split}_images/{name}",
            "{split}_masks/{name}",
        ),
        (names("images/a{n}", "masks/{c}/a{n}", c=["rim", "disc"]), "images/{name}", "masks/{class}/{name}"),
        (names("a{n}", "a{n}_{c}_mask", c=["rim", "disc"]), "{name}", "{name}_{class}"),
        ([*names("{n}", "{n}_gt"), "overlay_1"], "{name}", "{name}_gt"),
        (
            names("PH2/I{n}/I{n}_Dermoscopic_Image/I{n}", "PH2/I{n}/I{n}_lesion/I{n}_lesion"),
            "PH2/{name}/{name}_Dermoscopic_Image/{name}",
            "PH2/{name}/{name}_lesion/{name}_lesion",
        ),
        (
            names("CXR/M_{n}", "ManualMask/leftMask/M_{n}", "ManualMask/rightMask/M_{n}"),
            "CXR/{name}",
            "ManualMask/{class}/{name}",
        ),
        (names("img{n}", "img{n}GT"), "{name}", "{name}GT"),
        (names("imgs/{n}", "imgsGT/{n}"), "imgs/{name}", "imgsGT/{name}"),
        (names("Bilder/{n}", "Masken/{n}"), "Bilder/{name}", "Masken/{name}"),
        (names("снимки/{n}", "маски/{n}"), "снимки/{name}", "маски/{name}"),
        (names("{n}", "{n:03}_mask", count=range(1, 30)), "{name}", "{name}_mask"),
        (
            names("{s}_{n}", "{s}_{n}_anno", s=["train", "testA", "testB"]),
            "{split}_{name}",
            "{split}_{name}_anno",
        ),
        (names("fold{k}/images/{n}", "fold{k}/masks/{n}", k="12345"), "{split}/images/{name}", "{split}/masks/{name}"),
        (
            names("imagesTr/c{n}_0000", "imagesTr/c{n}_0001", "labelsTr/c{n}"),
            "imagesTr/{name}_0000",
            "labelsTr/{name}",
        ),
        (names("B{n}/B{n}_flair", "B{n}/B{n}_t1", "B{n}/B{n}_seg"), "{name}/{name}_t1", "{name}/{name}_seg"),
        (
            names("images/{n}", "masks/disc/{n}", "masks/rim/{n}", "masks/preview/{n}"),
            "images/{name}",
            "masks/{class:disc|rim}/{name}",
        ),
        (names("depth/{n}", "images/{n}", "gt/{n}"), "images/{name}", "gt/{name}"),
    ],
    ids=lambda value: value if isinstance(value, str) else value[0],
)
def test_kinds_of_names(paths: list[str], image: str, mask: str) -> None:
    assert (found(paths).image, found(paths).masks) == (image, (mask,))


def test_a_field_of_view_and_a_second_observer_are_no_truth() -> None:
    templates = found(DRIVE, wide="/mask/")
    assert templates.image == "{split}/images/{name}_{split}"
    assert templates.masks == ("{split}/1st_manual/{name}_manual1",)
    assert templates.region == "{split}/mask/{name}_{split}_mask"
    assert templates.rounds == ("{split}/2nd_manual/{name}_manual2",)
    assert templates.splits == {"training": "train", "test": "test"}


def test_an_organ_around_lesions_is_a_class_and_no_region() -> None:
    templates = found(names("images/{n}", "lung_masks/{n}", "lesion_masks/{n}"), wide="lung")
    assert (templates.masks, templates.region) == (("{class}_masks/{name}",), "")


def test_a_second_observer_in_the_names_of_masks() -> None:
    templates = found(names("Image_{n:02}{s}", "Image_{n:02}{s}_1stHO", "Image_{n:02}{s}_2ndHO", s="LR"))
    assert (templates.image, templates.masks) == ("{name}", ("{name}_1stHO",))
    assert templates.rounds == ("{name}_2ndHO",)


def test_a_split_without_masks_has_no_part() -> None:
    train = names("stage1_train/{n}/images/{n}", "stage1_train/{n}/masks/a{n}")
    templates = found([*train, *names("stage1_test/{n}/images/{n}", count=[20, 21])])
    assert templates.image == "stage1_train/{name}/images/{name}"
    assert templates.without == {"stage1_test": [f"stage1_test/{n}/images/{n}" for n in (20, 21)]}


def test_words_of_splits_behind_others() -> None:
    templates = found(names("images{s}/c{n}_0000", "labels{s}/c{n}", s=["Tr", "Ts"]))
    assert templates.splits == {"Tr": "train", "Ts": "test"}
    templates = found([*names("imagesTr/c{n}_0000", "labelsTr/c{n}"), *names("imagesTs/c{n}_0000", count=[50, 51])])
    assert (templates.image, [*templates.without]) == ("imagesTr/{name}_0000", ["Ts"])


def test_a_region_within_the_truth_is_no_class() -> None:
    templates = found(names("{n}/{n}_Image/{n}", "{n}/{n}_lesion/{n}_lesion", "{n}/{n}_roi/{n}_roi"))
    assert (templates.masks, templates.rounds) == (
        ("{name}/{name}_lesion/{name}_lesion",),
        ("{name}/{name}_roi/{name}_roi",),
    )


@pytest.mark.parametrize(
    ("pattern", "group"),
    [("P{p:02}_{n}", "P01"), ("Image_{p:02}{n}", "01"), ("202103{p:02}_{n}", None), ("fold{p}_{n}", None)],
)
def test_patients_are_no_dates_and_no_parts(pattern: str, group: str | None) -> None:
    sides = "LR" if "Image" in pattern else "12"
    named = groups_in([pattern.format(p=patient, n=side) for patient in range(1, 9) for side in sides])
    assert (named.example[1] if named else None) == group


def test_images_alone_are_no_pairs() -> None:
    assert find_paths(names("images/{n}", "a/{n}_x"), lambda _: 0.0) is None


@pytest.mark.parametrize(
    ("one", "other", "name"),
    [
        ("21_training", "21_manual1", "21"),
        ("case_000_0000", "case_000", "case_000"),
        ("benign (1)", "benign (1)_mask", "benign (1)"),
        ("a1", "a10", ""),
        ("img_7", "mask_7", "7"),
        ("left", "right", ""),
    ],
)
def test_what_names_have_in_common(one: str, other: str, name: str) -> None:
    assert common_name(one, other) == common_name(other, one) == name


@pytest.mark.parametrize(
    ("folder", "word"),
    [
        ("train", "train"),
        ("Training_Set", "Training"),
        ("imagesTs", "Ts"),
        ("strain", ""),
        ("stage1_train", "stage1_train"),
        ("testA", "testA"),
        ("instances_val2017", "val"),
    ],
)
def test_words_of_splits(folder: str, word: str) -> None:
    assert split_word(folder) == word
