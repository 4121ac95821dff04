"""The planted leaks are found and named, and nothing else is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from gate_entries import CLEAN, entry
from hypothesis import given
from hypothesis import strategies as st

from components.data_gate.entries import Entry
from components.data_gate.findings import MAX_LISTED, Finding
from components.data_gate.leaks import (
    derived_records,
    find_leaks,
    group_overlap,
    identical_pixels,
    near_duplicates,
    overlapping_tiles,
)
from components.data_gate.near_duplicates import Pair
from components.records.splits import SPLITS


def alike(signatures: Sequence[bytes], splits: Sequence[int] | None) -> Iterator[Pair]:
    """Signatures whose first byte is the same, similar by the share of equal bytes."""
    for one in range(len(signatures)):
        for other in range(one + 1, len(signatures)):
            asked = splits is None or splits[one] != splits[other]
            if asked and signatures[one][0] == signatures[other][0]:
                same = sum(a == b for a, b in zip(signatures[one], signatures[other], strict=True))
                yield Pair(one, other, same / len(signatures[one]))


def leaks(entries: Sequence[Entry]) -> list[Finding]:
    return list(find_leaks(entries, alike, SPLITS))


def only(findings: Iterable[Finding]) -> Finding:
    [found] = findings
    return found


def test_no_false_alarm() -> None:
    assert leaks(CLEAN) == []
    assert leaks([]) == []


def test_a_group_in_two_splits() -> None:
    torn = entry(12, "test", group="patient0")
    found = only(leaks([*CLEAN, torn]))
    assert (found.kind, found.count, found.stops) == ("group overlap", 1, True)
    # Both sides come before the second image of the first side.
    assert found.examples == (
        "images/case0.png (train, group patient0) and images/case12.png (test, group patient0) "
        "and images/case1.png (train, group patient0)",
    )


def test_every_torn_group_counts_once() -> None:
    torn = [entry(20 + n, split, group=f"patient{n % 2}") for n, split in enumerate(("eval", "test") * 3)]
    found = only(group_overlap([*CLEAN, *torn]))
    assert found.count == 2
    assert all(example.count("(train") == 2 for example in found.examples)
    assert all(example.endswith("and 1 more") for example in found.examples)


def test_a_group_that_is_the_name_is_not_said_twice() -> None:
    assert str(entry(3, "eval", group="case3")) == "images/case3.png (eval)"
    assert str(entry(3, "eval")) == "images/case3.png (eval, group patient1)"


def test_identical_pixels_under_other_names() -> None:
    found = only(leaks([*CLEAN, entry(99, "test", sha256=CLEAN[0].sha256)]))
    assert (found.kind, found.count, found.stops) == ("identical pixels", 1, True)
    assert found.examples == ("images/case0.png (train, group patient0) and images/case99.png (test, group patient49)",)


def test_identical_pixels_in_three_splits_are_one_image() -> None:
    copies = [entry(90 + 2 * n, split, sha256="f" * 64) for n, split in enumerate(("train", "eval", "test"))]
    found = only(leaks([*CLEAN, *copies]))
    assert found.count == 1
    assert [f"images/case9{2 * n}.png" in found.examples[0] for n in range(3)] == [True] * 3


def test_identical_pixels_within_a_split_stop_nothing() -> None:
    found = only(leaks([*CLEAN, entry(99, "train", sha256=CLEAN[0].sha256)]))
    assert (found.kind, found.count, found.stops) == ("identical pixels within a split", 1, False)


def test_tiles_of_one_source_are_not_copies_of_it() -> None:
    """All tiles carry the hash of their source."""
    tile = entry(0, "train", id="case0_0x1")
    assert list(identical_pixels([*CLEAN, tile, replace(tile, split="test")])) == []


def test_a_copy_of_an_image_whose_tiles_stand_in_two_splits() -> None:
    tiles = [entry(0, split, id=split) for split in ("test", "train")]
    found = only(identical_pixels([*tiles, entry(99, "train", sha256=CLEAN[0].sha256)]))
    assert (found.kind, found.count) == ("identical pixels", 1)


def test_near_duplicates_across_splits() -> None:
    copy = entry(50, "test", signature=bytes([0, 0, 0, 9]))
    found = only(leaks([*CLEAN, copy]))
    assert (found.kind, found.count, found.stops) == ("near duplicates", 1, True)
    assert found.examples == (
        "images/case0.png (train, group patient0) and images/case50.png (test, group patient25), similarity 0.75",
    )


def test_near_duplicates_within_a_split_stop_nothing() -> None:
    found = only(leaks([*CLEAN, entry(50, "train", signature=CLEAN[0].signature)]))
    assert (found.kind, found.count, found.stops) == ("near duplicates within a split", 1, False)


def test_near_duplicates_within_a_group_are_expected() -> None:
    assert leaks([*CLEAN, entry(50, "train", group="patient0", signature=CLEAN[0].signature)]) == []


def test_identical_images_are_not_near_duplicates_too() -> None:
    twin = entry(50, "test", sha256=CLEAN[0].sha256, signature=CLEAN[0].signature)
    assert [found.kind for found in leaks([*CLEAN, twin])] == ["identical pixels"]


def test_tiles_of_one_source_are_searched_one_by_one() -> None:
    """A copy may have been cut into tiles."""
    tiles = [entry(0, "train", id=f"case0_0x{n}", signature=bytes([100 + n] * 4)) for n in range(2)]
    copy = entry(50, "test", signature=tiles[1].signature)
    assert only(near_duplicates([*CLEAN, *tiles, copy], alike, SPLITS)).count == 1


def test_the_search_is_told_the_splits_and_then_not() -> None:
    """A search that names few of many copies must not spend them on pairs within a split."""
    seen: list[tuple[Sequence[bytes], Sequence[int] | None]] = []

    def search(signatures: Sequence[bytes], splits: Sequence[int] | None) -> list[Pair]:
        seen.append((signatures, splits))
        return []

    assert list(near_duplicates([*CLEAN, entry(60, "test", signature=b"")], search, SPLITS)) == []
    signatures = [bytes([number] * 4) for number in range(12)]
    assert seen == [(signatures, [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2]), (signatures, None)]


def test_all_pairs_are_counted_and_the_first_thousand_listed() -> None:
    side = 40
    entries = [entry(n, "train" if n < side else "test", group=f"{n}", signature=b"same") for n in range(2 * side)]
    across, within = near_duplicates(entries, alike, SPLITS)
    assert (across.count, within.count) == (side**2, side * (side - 1))
    assert len(across.examples) == len(within.examples) == MAX_LISTED
    assert across.message.count(", similarity 1.00") == 3
    assert f"; and {side**2 - 3} more. Look at the pairs" in across.message


def tile(split: str, top: float, left: float, size: float = 32, **changes: Any) -> Entry:
    return entry(0, split, id=f"{split} {top} {left}", window=(top, left, top + size, left + size), **changes)


def test_overlapping_tiles_are_named_with_their_place() -> None:
    found = only(overlapping_tiles([tile("train", 0, 0), tile("test", 16, 31), tile("test", 32, 32)]))
    assert (found.kind, found.count, found.stops) == ("overlapping tiles", 1, True)
    assert found.examples == (
        "rows 0-32, columns 0-32 of images/case0.png (train, group patient0) and "
        "rows 16-48, columns 31-63 of images/case0.png (test, group patient0)",
    )


@pytest.mark.parametrize(
    "other",
    [
        tile("train", 0, 0),
        tile("test", 32, 0),
        tile("test", 0, 32 - 1e-6),
        tile("test", 0, 0, source="images/case1.png", sha256=CLEAN[1].sha256),
    ],
    ids=["same split", "neighbour", "neighbour by rounding", "other source"],
)
def test_tiles_that_share_nothing_with_another_split(other: Entry) -> None:
    assert list(overlapping_tiles([tile("train", 0, 0), other])) == []


tiles = st.tuples(st.sampled_from(["train", "eval", "test"]), st.integers(0, 12), st.integers(0, 12), st.integers(1, 6))


@given(st.lists(tiles, max_size=12))
def test_overlaps_are_what_the_pixels_say(placed: list[tuple[str, int, int, int]]) -> None:
    shown = [
        (split, {(row, column) for row in range(top, top + size) for column in range(left, left + size)})
        for split, top, left, size in placed
    ]
    expected = sum(one[0] != other[0] and bool(one[1] & other[1]) for n, one in enumerate(shown) for other in shown[:n])
    found = list(overlapping_tiles([tile(*place) for place in placed]))
    assert sum(item.count for item in found) == expected


def chain(*links: tuple[str, str, str]) -> list[Entry]:
    """Records by id, origin and split, otherwise unlike each other."""
    return [
        entry(100 + n, split, id=name, group=name, derived_from=origin) for n, (name, origin, split) in enumerate(links)
    ]


@pytest.mark.parametrize(
    "links",
    [
        [("a", "", "train"), ("b", "a", "test")],
        [("a", "origin", "train"), ("b", "origin", "test")],
        [("a", "", "train"), ("b", "a", "train"), ("c", "b", "train"), ("d", "c", "eval")],
        [("a", "x", "train"), ("x", "y", "train"), ("b", "z", "test"), ("z", "y", "test")],
        [("a", "b", "train"), ("b", "c", "train"), ("c", "a", "test")],
        [("a", "a", "train"), ("b", "a", "test")],
    ],
    ids=["copy", "common origin", "long chain", "common origin of origins", "cycle", "its own origin"],
)
def test_a_chain_across_splits(links: list[tuple[str, str, str]]) -> None:
    found = only(leaks([*CLEAN, *chain(*links)]))
    assert (found.kind, found.count, found.stops) == ("derived records", 1, True)
    for split in {split for _, _, split in links}:
        assert f"({split}, group" in found.examples[0]


@pytest.mark.parametrize(
    "links",
    [
        [("a", "origin", "train"), ("b", "origin", "train"), ("c", "other", "test")],
        [("a", "b", "train"), ("b", "a", "train")],
        [("a", "a", "train")],
    ],
    ids=["two families", "cycle", "its own origin"],
)
def test_a_chain_within_a_split(links: list[tuple[str, str, str]]) -> None:
    assert list(derived_records([*CLEAN, *chain(*links)])) == []


def test_a_derived_record_names_its_origin() -> None:
    found = only(derived_records(chain(("a", "", "train"), ("b", "a", "test"))))
    assert found.examples == (
        "images/case100.png (train, group a) and images/case101.png (test, group b), made from a",
    )


def protocol(copies: int, name: Callable[[int, int], str]) -> list[Entry]:
    """Copies are made first and the files split afterwards, as they fall."""
    rng = np.random.default_rng(3)
    return [
        entry(
            film * copies + copy,
            str(rng.choice(["train", "eval", "test"], p=[0.7, 0.15, 0.15])),
            source=f"images/{name(film, copy)}.png",
            group=name(film, copy),
            signature=bytes([film, copy, 0, 0]),
        )
        for film in range(12)
        for copy in range(copies)
    ]


def test_copies_made_before_the_split_are_found_as_pairs() -> None:
    entries = protocol(8, lambda film, copy: f"rotated_{45 * copy}_{film}")
    expected = {
        frozenset((one.source, other.source))
        for one in entries
        for other in entries
        if one.source.split("_")[2] == other.source.split("_")[2] and one.split != other.split
    }
    [across] = (found for found in leaks(entries) if found.stops)
    assert across.kind == "near duplicates"
    assert across.count == len(expected) > 100
    named = {frozenset(part.split(" (")[0] for part in example.split(" and ")) for example in across.examples}
    assert named == expected
