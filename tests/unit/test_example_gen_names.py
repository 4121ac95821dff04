"""Advice on masks whose names are almost those of their images."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.example_gen.names import advice, index_names, original_of, similar_name

WORD = st.from_regex(r"[A-Za-zé0-9]{1,4}", fullmatch=True)
MANIFEST = 'layout = "manifest" pairs any two, by rows such as i.png,m.png below image,mask in manifest.csv'
NAME = st.lists(WORD, min_size=1, max_size=3).map("_".join)


@pytest.mark.parametrize(
    ("image", "masks", "found"),
    [
        ("p01", ["p01_mask", "p02_mask"], "p01_mask"),
        ("p01", ["mask_p01"], "mask_p01"),
        ("p01", ["p01 (2)"], "p01 (2)"),
        ("p01", ["lesions/p01"], "lesions/p01"),
        ("P01", ["p01"], "p01"),
        ("é1", ["e\u03011"], "e\u03011"),
        ("liver", ["liver-seg"], "liver-seg"),
        ("img_001", ["mask_001", "mask_002"], "mask_001"),
        ("p1", ["p10_mask", "p2", "xp1"], None),
        ("img_a", ["mask_b", "img_c"], None),
        ("study1_p2", ["study1_p7_mask", "study1_p8_mask"], None),
        ("p01", [], None),
    ],
)
def test_similar_names(image: str, masks: list[str], found: str | None) -> None:
    assert similar_name(image, index_names(masks)) == found


@pytest.mark.parametrize(
    ("image", "mask", "words"),
    [
        ("p01", "p01_mask", "[data] mask_pattern = '(?P<name>.+)_mask' pairs such names"),
        ("p (1)", "p (1)_mask", "[data] mask_pattern = '(?P<name>.+)_mask' pairs such names"),
        ("p01", "p01_lesion12", r"[data] mask_pattern = '(?P<name>.+)_lesion\d+' pairs such names"),
        ("p01", "seg/p01", "[data] mask_pattern = 'seg/(?P<name>.+)' pairs such names"),
        ("P01", "p01", "it differs in upper and lower case, or in the coding of its accents: rename one"),
        ("img_001", "mask_001", MANIFEST),
        ("p01_0000", "p01", f"the image has nnU-Net's channel suffix '_0000', which no pattern takes away; {MANIFEST}"),
        ("raw p01-a", "p01", f"the image's name has 'raw ' and '-a' more, which no pattern takes away; {MANIFEST}"),
    ],
)
def test_advice(image: str, mask: str, words: str) -> None:
    assert advice(image, mask, "i.png,m.png") == words


@pytest.mark.parametrize(
    ("name", "original"),
    [
        ("case+1", "case"),
        ("case+12", "case"),
        ("case_0x1+2", "case"),
        ("tile_0x1+2", "tile_0x1"),
        ("p/case+1", "p/case"),
        ("case+1+1", "case+1"),
        ("other+1", None),
        ("case+a", None),
        ("case+", None),
        ("case1", None),
        ("case", None),
    ],
)
def test_ids_of_copies_are_known_where_the_original_is_there(name: str, original: str | None) -> None:
    assert original_of(name, {"case", "tile_0x1", "p/case", "case+1"}) == original


@given(image=NAME, before=WORD, after=WORD, separator=st.sampled_from([*"_- .()+", "/"]))
def test_the_pattern_that_is_advised_pairs_the_two(image: str, before: str, after: str, separator: str) -> None:
    for mask in (f"{before}{separator}{image}", f"{image}{separator}{after}"):
        assert similar_name(image, index_names([mask])) == mask
        pattern = re.search(r"mask_pattern = '(.+)' pairs", advice(image, mask, ""))
        assert pattern
        match = re.fullmatch(pattern[1], mask)
        assert match
        assert match["name"] == image
