"""The group and the site of a sample by its name, and the samples with their split."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from components.errors import UsageError
from components.example_gen.groups import group_samples, split_samples
from components.example_gen.samples import Drawing, MaskFiles, Reject, Sample
from components.imaging.truth.shapes import Ellipse, Shape

DISC = Drawing((Shape(Ellipse(4.0, 4.0, 2.0, 2.0)),))
SLIDE = "TCGA-OL-A5RW-DX1_xmin21_ymin3"
SHARES = {"train": 2, "eval": 1, "test": 1}
SPLITS: dict[str, Any] = SHARES | {
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
        ("folder", None, "films/p07/left.png", "p07"),
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
    samples = [sample(f"{name}.png", site="as read") for name in (SLIDE, "xmin3", "TCGA--A5RW")]
    grouped, rejects = group_samples(samples, {"by": "layout", "pattern": None}, r"^TCGA-(\w*)-")
    assert [(found.image, found.site) for found in grouped] == [(f"{SLIDE}.png", "OL")]
    reason = r"[data] site_pattern '^TCGA-(\\w*)-' finds no site in the name"
    assert rejects == [
        Reject("xmin3.png", "no site", f"{reason} 'xmin3'"),
        Reject("TCGA--A5RW.png", "no site", f"{reason} 'TCGA--A5RW'"),
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


@pytest.mark.parametrize(
    ("labels", "truths"),
    [(("benign", "malignant"), (DISC, DISC)), (("", ""), (DISC, Drawing())), (("normal", ""), (Drawing(), Drawing()))],
    ids=["labels", "foreground", "a label, and no foreground"],
)
def test_what_is_stratified(labels: tuple[str, str], truths: tuple[Drawing, Drawing]) -> None:
    samples = [
        sample(f"{number}.png", id=kind, group=f"p{number}", label=labels[kind == "b"], truth=truths[kind == "b"])
        for number, kind in enumerate("ab" * 32)
    ]
    found = Counter((each.id, each.split) for each in split_samples(samples, {**SPLITS, "stratify": True}))
    # Of 32 each, 8 are in the one fold of 4 that is test; of the other 24 each, 8 in the one of 3 that is eval.
    assert found == {(kind, split): count for kind in "ab" for split, count in zip(SHARES, (16, 8, 8), strict=True)}


def test_foreground_in_mask_files_is_not_known() -> None:
    samples = [sample(f"{number}.png", group=f"p{number}", truth=DISC) for number in range(9)]
    samples.append(sample("9.png", group="p9"))
    with pytest.raises(UsageError, match="an image of group 'p9' has no label, and no drawn truth"):
        split_samples(samples, {**SPLITS, "stratify": True})


def test_sites_reach_the_rule() -> None:
    samples = [sample(f"{number}.png", group=f"p{number}", site=f"s{number % 3}") for number in range(12)]
    found = split_samples(samples, {**SPLITS, "test_site": "s1"})
    assert [each.split == "test" for each in found] == [each.site == "s1" for each in found]
