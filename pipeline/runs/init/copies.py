"""Images that are copies of others: of each set all but one are left out, so that no split knows another's."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from components.data_gate.entries import Entry
from components.data_gate.near_duplicates import find_near_duplicates
from components.records.splits import TEST, VALIDATION

_HELD_OUT = {TEST: 0, VALIDATION: 1}


def copies_to_leave_out(entries: Sequence[Entry], prescribed: bool) -> list[str]:
    """Sources of images that are the same as others, or almost, in other groups, flipped and turned ones included.

    Args:
        entries: a record of each source.
        prescribed: whether the source tells its splits: then what is tested on stays; else the first by its path.
    """
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
    left: list[str] = []
    for same in alike.values():
        if len({_place(entry, prescribed) for entry in same}) > 1:
            kept = min(same, key=lambda entry: (_HELD_OUT.get(entry.split, 2) if prescribed else 0, entry.source))
            left += [entry.source for entry in same if _place(entry, prescribed) != _place(kept, prescribed)]
    return sorted(left)


def _place(entry: Entry, prescribed: bool) -> tuple[str, str]:
    """Copies in one place are no leak: a group is in one split, unless the source puts it in several."""
    return entry.group, entry.split if prescribed else ""
