"""The group and the site of a sample by its name, and the samples with their split."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from components.example_gen.groups import group_samples, members_of
from components.example_gen.samples import Drawing, MaskFiles, Reject, Sample
from components.example_gen.settings import Groups
from components.imaging.truth.shapes import Ellipse, Shape
from components.records.split_settings import Splits
from components.records.splits import SPLITS, Member, assign_splits

DISC = Drawing((Shape(Ellipse(4.0, 4.0, 2.0, 2.0)),))
MASK = MaskFiles(("masks/a.png",))
SLIDE = "TCGA-OL-A5RW-DX1_xmin21_ymin3"


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
        ("folder", None, "films/p07/left.png", "p07"),
        ("tile", None, "images/a_1x2_10x3.png", "a_1x2"),
        ("tile", None, "images/a\nb_0x0.png", "a\nb"),
        ("path", None, "train/images/1.png", "train/images/1"),
    ],
)
def test_the_group_of_an_image(by: str, pattern: str | None, image: str, group: str) -> None:
    read = sample(image, label="benign", site="OL", split="eval")
    expected = sample(image, group=group, label="benign", site="OL", split="eval")
    assert group_samples([read], Groups(by=by, pattern=pattern), None) == ([expected], [])


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
    grouped, rejects = group_samples([sample(image)], Groups(by=by, pattern=pattern), None)
    assert grouped == []
    assert rejects == [Reject(image, "no group", f"[data.groups] {reason}")]


def test_the_site_of_a_name() -> None:
    samples = [sample(f"{name}.png", site="as read") for name in (SLIDE, "xmin3", "TCGA--A5RW")]
    grouped, rejects = group_samples(samples, Groups(), r"^TCGA-(\w*)-")
    assert [(found.image, found.site) for found in grouped] == [(f"{SLIDE}.png", "OL")]
    reason = r"[data] site_pattern '^TCGA-(\\w*)-' finds no site in the name"
    assert rejects == [
        Reject("xmin3.png", "no site", f"{reason} 'xmin3'"),
        Reject("TCGA--A5RW.png", "no site", f"{reason} 'TCGA--A5RW'"),
    ]


def test_what_the_splits_go_by() -> None:
    samples = [
        sample("span-1/a.png", group="p1", label="benign", site="OL", truth=DISC),
        sample("span-2/b.png", group="p1", split="test", truth=Drawing()),
        sample("c.png", group="p2", label="benign"),
    ]
    assert members_of(samples, {"span-1": 1, "span-2": 0}) == [
        Member("p1", "OL", "benign with foreground", age=1),
        Member("p1", "", " without foreground", "test", age=0),
        Member("p2", "", "benign", age=0),
    ]
    assert [member.age for member in members_of(samples, None)] == [None] * 3


@pytest.mark.parametrize(
    ("labels", "truths"),
    [
        (("benign", "malignant"), (DISC, DISC)),
        (("", ""), (DISC, Drawing())),
        (("normal", ""), (Drawing(), Drawing())),
        (("benign", "benign"), (DISC, Drawing())),
        (("benign", "malignant"), (MASK, MASK)),
        (("", ""), (DISC, MASK)),
    ],
    ids=["labels", "foreground", "a label or none", "foreground of a label", "labels of mask files", "drawn and not"],
)
def test_kinds_that_are_told_apart_have_even_shares(labels: tuple[str, str], truths: tuple[Any, Any]) -> None:
    samples = [
        sample(f"{number}.png", group=f"{kind}{number}", label=labels[kind == "b"], truth=truths[kind == "b"])
        for number, kind in enumerate("ab" * 32)
    ]
    members = members_of(samples, None)
    splits = assign_splits(members, Splits(train=2, eval=1, test=1))
    found = Counter((member.group[0], split) for member, split in zip(members, splits, strict=True))
    # Of 32 each a quarter is 8; of the other 24 each a third is 8.
    assert found == {(kind, split): count for kind in "ab" for split, count in zip(SPLITS, (16, 8, 8), strict=True)}
