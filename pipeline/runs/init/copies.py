"""Images that are copies of others: of each set all but one are left out, so that no split knows another's."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence

import numpy as np

from components.data_gate.entries import Entry
from components.data_gate.near_duplicates import TURNS, find_near_duplicates, turned
from components.imaging.truth.classes import IGNORE
from components.records.splits import TEST, VALIDATION

_HELD_OUT = {TEST: 0, VALIDATION: 1}
_LOOKED_AT = 8
"""Copies of an image that each is compared with."""

Mask = Callable[[Entry], np.ndarray]
"""Class indices `(H, W)` uint8 of the record of an entry."""
Agreement = dict[tuple[str, str], float]
"""Of two sources how much of their masks is the same."""


def sets_of_copies(entries: Sequence[Entry]) -> list[list[Entry]]:
    """Those whose images are the same, or almost, flipped and turned ones included; two or more each."""
    sets: dict[int, int] = {place: place for place in range(len(entries))}

    def root(place: int) -> int:
        while sets[place] != place:
            place = sets[place]
        return place

    by_pixels: dict[str, int] = {}
    for place, entry in enumerate(entries):
        sets[root(place)] = root(by_pixels.setdefault(entry.sha256, place))
    signed = [place for place, entry in enumerate(entries) if entry.signature]
    for pair in find_near_duplicates([entries[place].signature for place in signed]):
        sets[root(signed[pair.second])] = root(signed[pair.first])
    alike: dict[int, list[Entry]] = defaultdict(list)
    for place, entry in enumerate(entries):
        alike[root(place)].append(entry)
    return [same for same in alike.values() if len(same) > 1]


def agreement(same: Sequence[Entry], mask: Mask) -> Agreement:
    """Of copies of an image, each with some others, both ways."""
    masks = {entry.source: mask(entry) for entry in same}
    some = [entry.source for entry in same[:_LOOKED_AT]]
    found = {(one, other): _dice(masks[one], masks[other]) for one in some for other in masks if one != other}
    return {**{(other, one): value for (one, other), value in found.items()}, **found}


def kept_of(same: Sequence[Entry], agreed: Agreement, prescribed: bool) -> Entry:
    """The one that stays: of prescribed splits what is tested on; of these that whose mask is most like those of the
    other copies; of these the first by its path."""

    def rank(entry: Entry) -> tuple[int, float, str]:
        others = [value for (one, _), value in agreed.items() if one == entry.source]
        held_out = _HELD_OUT.get(entry.split, 2) if prescribed else 0
        return held_out, -round(float(np.mean(others)), 2), entry.source

    return min(same, key=rank)


def _dice(one: np.ndarray, other: np.ndarray) -> float:
    """Of foreground of the same class, however one of them is turned."""
    ways = [turned(other, turn) for turn in TURNS]
    return max((_dice_of(one, way) for way in ways if way.shape == one.shape), default=0.0)


def _dice_of(one: np.ndarray, other: np.ndarray) -> float:
    judged = (one != IGNORE) & (other != IGNORE)
    a, b = one[judged], other[judged]
    total = np.count_nonzero(a) + np.count_nonzero(b)
    return 2 * np.count_nonzero((a == b) & (a > 0)) / total if total else 1.0
