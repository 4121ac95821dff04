"""The group and the site of a sample by its name, and the samples with their split."""

from __future__ import annotations

from typing import Any

import pytest

from components.errors import UsageError
from components.example_gen.groups import group_samples, split_samples
from components.example_gen.samples import Drawing, MaskFiles, Reject, Sample
from components.imaging.shapes import Ellipse, Shape

DISC = Drawing((Shape(Ellipse(4.0, 4.0, 2.0, 2.0)),))
SLIDE = "TCGA-OL-A5RW-DX1_xmin21_ymin3"
SPLITS: dict[str, Any] = {
    "train": 2,
    "eval": 1,
    "test": 1,
    "salt": "",
    "stratify": False,
    "test_groups": [],
    "test_site": "",
    "folds": None,
    "fold": 0,
}


def sample(image: str, **fields: Any) -> Sample:
    return Sample(**{"id": image, "group": "as read", "image": image, "truth": MaskFiles((f"masks/{image}",))} | fields)


@pytest.mark.parametrize(
    ("by", "pattern", "image", "group"),
    [
        ("layout", None, "images/p07_left.png", "as read"),
        ("name", None, "images/p07.left.png", "p07.left"),
        ("pattern", r"^(p\d+)_", "images/p07_left.png", "p07"),
        # Searched in the name alone: neither in the folder nor in the suffix.
        ("pattern", r"(p\w)", "p1/xp2.p3", "p2"),
        ("pairs", None, "mdb001.pgm", "mdbpair001"),
        ("pairs", None, "mdb002.pgm", "mdbpair001"),
        ("pairs", None, "mdb003.pgm", "mdbpair002"),
        ("pairs", None, "mdb321ll.pgm", "mdbpair161"),
        ("pairs", None, "mdb322rl.pgm", "mdbpair161"),
        ("pairs", None, "series2_0009.png", "series2_pair005"),
        ("pairs", None, "12.png", "pair006"),
        ("pairs", None, "1999.png", "pair1000"),
        ("folder", None, "films/p07/left.png", "films/p07"),
        ("tile", None, "images/a_1x2_10x3.png", "a_1x2"),
        ("tile", None, "images/a\nb_0x0.png", "a\nb"),
    ],
)
def test_the_group_of_an_image(by: str, pattern: str | None, image: str, group: str) -> None:
    read = sample(image, label="benign", site="OL", split="eval")
    expected = sample(image, group=group, label="benign", site="OL", split="eval")
    assert group_samples([read], {"by": by, "pattern": pattern}, None) == ([expected], [])


@pytest.mark.parametrize(
    ("by", "pattern", "image", "reason"),
    [
        ("pattern", r"^(x\d+)", "p07_left.png", r"pattern '^(x\\d+)' finds no group for the name 'p07_left'"),
        # A capture that takes no part in the match, and an empty one.
        ("pattern", r"(x\d+)?$", "p07_left.png", r"pattern '(x\\d+)?$' finds no group for the name 'p07_left'"),
        ("pattern", r"(x*)", "p07_left.png", r"pattern '(x*)' finds no group for the name 'p07_left'"),
        ("pairs", None, "film.png", "by = 'pairs' finds no group for the name 'film', expected a number in it"),
        ("folder", None, "a.png", "by = 'folder' finds no group for the name 'a', expected a parent folder"),
        (
            "tile",
            None,
            "images/a_1x2b.png",
            "by = 'tile' finds no group for the name 'a_1x2b', expected _ROWxCOLUMN at its end",
        ),
    ],
)
def test_an_image_without_group_is_a_reject(by: str, pattern: str | None, image: str, reason: str) -> None:
    grouped, rejects = group_samples([sample(image)], {"by": by, "pattern": pattern}, None)
    assert grouped == []
    assert rejects == [Reject(image, "no group", f"[data.groups] {reason}")]


def test_the_site_of_a_name() -> None:
    samples = [sample(f"{SLIDE}.png", site="as read"), sample("xmin3.png", site="as read")]
    grouped, rejects = group_samples(samples, {"by": "layout", "pattern": None}, r"^TCGA-(\w\w)-")
    assert [found.site for found in grouped] == ["OL"]
    assert rejects == [
        Reject("xmin3.png", "no site", r"[data] site_pattern '^TCGA-(\\w\\w)-' finds no site in the name 'xmin3'")
    ]


def test_samples_keep_their_order_and_all_else() -> None:
    samples = [sample(f"{group}.png", group=group, split=split) for group, split in (("p8", ""), ("p1", "test"))]
    samples.append(sample("p6.png", group="p6", label="benign", truth=DISC))
    # By the first 16 hex digits of `printf %s /p8 | sha256sum`, modulo 4: p8 is in the last bucket, p6 in the one
    # before it.
    assert split_samples(samples, SPLITS) == [
        sample("p8.png", group="p8", split="test"),
        sample("p1.png", group="p1", split="test"),
        sample("p6.png", group="p6", label="benign", truth=DISC, split="eval"),
    ]


def test_labels_are_stratified_before_foreground() -> None:
    """Half of the groups have the label, and, crosswise, half of them have foreground."""
    samples = [
        sample(f"{number}.png", group=f"p{number}", label="benign" if number % 2 else "", truth=truth)
        for number in range(16)
        for truth in [DISC if number % 4 < 2 else Drawing()]
    ]
    found = split_samples(samples, {**SPLITS, "stratify": True})
    by_split = {
        split: sorted((each.label, bool(each.truth.shapes and not each.label)) for each in found if each.split == split)
        for split in ("train", "eval", "test")
    }
    # Strata: 8 benign, 4 with and 4 without foreground; 1/4 of them is test, 1/3 of the rest eval.
    assert by_split["test"] == by_split["eval"] == [("", False), ("", True), ("benign", False), ("benign", False)]


def test_foreground_in_mask_files_is_not_known() -> None:
    samples = [sample(f"{number}.png", group=f"p{number}", truth=DISC) for number in range(9)]
    samples.append(sample("9.png", group="p9"))
    with pytest.raises(UsageError, match="an image of group 'p9' has no label, and no drawn truth"):
        split_samples(samples, {**SPLITS, "stratify": True})


def test_sites_reach_the_rule() -> None:
    samples = [sample(f"{number}.png", group=f"p{number}", site=f"s{number % 3}") for number in range(12)]
    found = split_samples(samples, {**SPLITS, "test_site": "s1"})
    assert [each.split == "test" for each in found] == [each.site == "s1" for each in found]
