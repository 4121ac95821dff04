"""What one split could tell of another: shared groups, images, parts of images and origins."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from itertools import combinations
from pathlib import PurePosixPath

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from components.data_gate.entries import Entry
from components.data_gate.findings import Finding, finding
from components.data_gate.near_duplicates import Pair
from components.example_gen.samples import without_suffix

_NAMED = 4
_ROUNDING = 0.01
"""Source pixels by which neighbouring tiles may seem to overlap."""

Search = Callable[[Sequence[bytes], Sequence[int] | None], Iterable[Pair]]
"""Finds the similar ones among signatures; where it is given the numbers of their splits, across splits only."""


def find_leaks(entries: Sequence[Entry], search: Search, splits: Sequence[str]) -> Iterator[Finding]:
    """Everything that stands in two splits of a run at once, and the copies within a split."""
    yield from group_overlap(entries)
    yield from identical_pixels(entries)
    yield from near_duplicates(entries, search, splits)
    yield from overlapping_tiles(entries)
    yield from derived_records(entries)


def group_overlap(entries: Sequence[Entry]) -> Iterator[Finding]:
    """Groups with records in several splits."""
    return finding(
        "group overlap",
        "records of one group in several splits",
        "Move all files of a group into one split (folder, manifest column or fixed list), or leave the split to "
        "[data.splits], which keeps groups together. If names are only counted anew in each split, set [data.groups] "
        'by = "path".',
        (named(same) for same in _sets(entries, lambda entry: entry.group) if _splits(same) > 1),
        stops=True,
    )


def identical_pixels(entries: Sequence[Entry]) -> Iterator[Finding]:
    """Different files with the same decoded pixels: in several splits a leak, in one worth a look."""
    # Tiles carry the hash of their source, and are no copies of it.
    places = [same[0] for same in _sets(entries, lambda entry: (entry.source, entry.split))]
    same_pixels = _sets(places, lambda entry: entry.sha256)
    copies = [same for same in same_pixels if len({entry.source for entry in same}) > 1]
    yield from finding(
        "identical pixels",
        "the same image in several splits",
        "Delete all but one of the files, or give them one group ([data.groups]).",
        (named(same) for same in copies if _splits(same) > 1),
        stops=True,
    )
    yield from finding(
        "identical pixels within a split",
        "the same image several times",
        "Delete all but one of the files, unless the image is meant to count more.",
        (named(same) for same in copies if _splits(same) == 1),
        stops=False,
    )


def near_duplicates(entries: Sequence[Entry], search: Search, splits: Sequence[str]) -> Iterator[Finding]:
    """Images of different groups that are almost the same: in two splits a leak, in one worth a look."""
    # One of each: what is identical has been reported.
    signed = (entry for entry in entries if entry.signature)
    images = [same[0] for same in _sets(signed, lambda entry: (entry.sha256, entry.signature))]
    signatures = [image.signature for image in images]

    def pairs(numbers: Sequence[int] | None, *, leaks: bool) -> Iterator[str]:
        for pair in search(signatures, numbers):
            one, other = images[pair.first], images[pair.second]
            if one.group != other.group and (one.split != other.split) is leaks:
                yield f"{one} and {other}, similarity {pair.similarity:.2f}"

    yield from finding(
        "near duplicates",
        "almost the same image (also flipped, turned, resized or warped) in two splits",
        "Look at the pairs: delete copies, and give what shows one patient one group ([data.groups]).",
        pairs([splits.index(image.split) for image in images], leaks=True),
        stops=True,
    )
    yield from finding(
        "near duplicates within a split",
        "almost the same image twice",
        "Harmless where it stays in one split. Give what shows one patient one group ([data.groups]), so that it does.",
        # Of many copies the search names some only, so those across splits are searched for on their own.
        pairs(None, leaks=False),
        stops=False,
    )


def overlapping_tiles(entries: Sequence[Entry]) -> Iterator[Finding]:
    """Records in different splits that show the same part of one image."""
    return finding(
        "overlapping tiles",
        "the same part of an image in two splits",
        'Keep all tiles of an image in one split: [data.groups] by = "tile", or one that holds whole patients.',
        (
            f"{_placed(one)} and {_placed(other)}"
            for same in _sets(entries, lambda entry: entry.source)
            for one, other in _overlaps(same)
        ),
        stops=True,
    )


def torn_images(entries: Sequence[Entry]) -> Iterator[Finding]:
    """Files that are tiles of one image by their names, in several splits."""
    tiles = [entry for entry in entries if _tiled(entry) and not entry.derived_from]
    return finding(
        "tiles of one image",
        "by their names (_ROWxCOLUMN) cut from one image, in several splits: neighbours overlap or go on",
        'Set [data.groups] by = "tile", or by = "name" if they are not what they are called.',
        (named(same) for same in _sets(tiles, _tiled) if _splits(same) > 1),
        stops=True,
    )


def _tiled(entry: Entry) -> str:
    """What a tile is cut from, by its name; empty for other names."""
    match = re.fullmatch(r"(.+)_\d+x\d+", without_suffix(PurePosixPath(entry.source)).name)
    return match[1] if match else ""


def derived_records(entries: Sequence[Entry]) -> Iterator[Finding]:
    """Records in several splits that were made from each other or from one original, over any number of steps."""
    return finding(
        "derived records",
        "made from one original, in several splits",
        "Split first and make copies afterwards: remove the copies from the data ([augmentation] makes them anew), or "
        "give all records of an original its group.",
        (named(family, _with_origin) for family in _families(entries) if _splits(family) > 1),
        stops=True,
    )


def _sets(entries: Iterable[Entry], key: Callable[[Entry], Hashable]) -> list[list[Entry]]:
    sets: dict[Hashable, list[Entry]] = defaultdict(list)
    for entry in entries:
        sets[key(entry)].append(entry)
    return list(sets.values())


def _splits(entries: Iterable[Entry]) -> int:
    return len({entry.split for entry in entries})


def named(entries: Sequence[Entry], name: Callable[[Entry], str] = str) -> str:
    """The first of each split before all others, so that both sides of a leak are named."""
    first = {entry.split: entry for entry in reversed(entries)}.values()
    order = sorted(entries, key=lambda entry: not any(entry is one for one in first))
    more = len(entries) - _NAMED
    return " and ".join([*map(name, order[:_NAMED]), *([f"{more} more"] if more > 0 else [])])


def _overlaps(entries: Sequence[Entry]) -> Iterator[tuple[Entry, Entry]]:
    """Pairs of records of one image in different splits whose windows overlap."""
    by_split = _sets(entries, lambda entry: entry.split)
    for some, others in combinations(by_split, 2):
        windows = np.array([entry.window for entry in others])
        for entry in some:
            starts = np.maximum(windows[:, :2], entry.window[:2])
            ends = np.minimum(windows[:, 2:], entry.window[2:])
            for index in np.flatnonzero((ends - starts > _ROUNDING).all(axis=1)):
                yield entry, others[index]


def _placed(entry: Entry) -> str:
    top, left, bottom, right = entry.window
    return f"rows {top:.0f}-{bottom:.0f}, columns {left:.0f}-{right:.0f} of {entry}"


def _families(entries: Sequence[Entry]) -> Iterator[list[Entry]]:
    """Records connected by `derived_from`, whether or not the original itself is a record."""
    links = [(entry.id, entry.derived_from) for entry in entries if entry.derived_from]
    numbers = {name: number for number, name in enumerate({name for link in links for name in link})}
    ends = np.array([[numbers[name] for name in link] for link in links]).reshape(-1, 2)
    graph = coo_matrix((np.ones(len(links)), ends.T), shape=(len(numbers), len(numbers)))
    family = connected_components(graph, directed=False)[1] if links else []
    return iter(
        _sets((entry for entry in entries if entry.id in numbers), lambda entry: int(family[numbers[entry.id]]))
    )


def _with_origin(entry: Entry) -> str:
    return f"{entry}, made from {entry.derived_from}" if entry.derived_from else str(entry)
