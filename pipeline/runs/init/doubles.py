"""What is said of copies, and which of them are left out."""

from __future__ import annotations

from collections.abc import Sequence

from components.data_gate.entries import Entry
from pipeline.runs.init.copies import Agreement, Mask, agreement, kept_of, sets_of_copies
from pipeline.runs.init.published import are_kept
from pipeline.runs.init.truth.limits import SAME_TRUTH
from pipeline.runs.init.understanding import Row, Understanding

_RULE = (
    "of copies that one is kept which is tested on, else whose mask is most like those of the other copies, else the "
    "first by its path"
)


def leave_out_copies(found: Understanding, entries: Sequence[Entry], mask: Mask) -> None:
    """Of each set all but one, but for those of its group, and of published splits of its split."""
    prescribed = are_kept(found)
    left: list[Entry] = []
    leaks = 0
    disagree: dict[str, tuple[str, float]] = {}
    for same in sets_of_copies(entries):
        agreed = agreement(same, mask)
        kept = kept_of(same, agreed, prescribed)
        disagree |= _unlike(kept, agreed)
        others = [entry for entry in same if _place(entry, prescribed) != _place(kept, prescribed)]
        left += others
        leaks += sum(entry.split != kept.split for entry in others) if prescribed else 0
    if left:
        found.data["leave_out"] = sorted(entry.source for entry in left)
        more = f", of which {leaks} stand in another split than the original" if prescribed else ""
        found.rows.append(
            Row("copies", f"{len(left)} images left out, as {found.data['leave_out'][0]}", f"copies of others{more}")
        )
    if disagree:
        other, (kept_source, dice) = next(iter(disagree.items()))
        told = f"masks of {len(disagree)} copies disagree, as {other} and {kept_source}, Dice {dice:.2f}"
        found.rows.append(Row("" if left else "copies", told, _RULE))
        found.unsure.append(f"that of copies whose masks disagree the one that is kept is right, as {kept_source}")


def _place(entry: Entry, prescribed: bool) -> tuple[str, str]:
    """Copies in one place are no leak: a group is in one split, unless the source puts it in several."""
    return entry.group, entry.split if prescribed else ""


def _unlike(kept: Entry, agreed: Agreement) -> dict[str, tuple[str, float]]:
    """The copies whose masks are unlike that which is kept."""
    return {
        other: (one, dice) for (one, other), dice in sorted(agreed.items()) if one == kept.source and dice < SAME_TRUTH
    }
