"""Masks whose values are counted, or are ids: whether they number objects of one class, or name classes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Literal

from pipeline.runs.init.looks import Look
from pipeline.runs.init.questions import Question
from pipeline.runs.init.truth.levels import at_border, level_keys
from pipeline.runs.init.truth.limits import ALONE, FEWEST_MASKS, MOST_CLASSES, MOST_KINDS, MOST_LEVELS, WHOLE
from pipeline.runs.init.truth.meanings import FoundTruth, Meaning

_BYTE = 255


def numbering(looks: Sequence[Look], values: Collection[int]) -> Literal["objects", "classes", "unclear"]:
    """What the values are, without 0 and what is not judged.

    Numbers differ from mask to mask, are counted from 1 without gaps, and each is one region; ids stand in one mask.
    """
    masks = [labels for look in looks if (labels := {*look.values.tolist()} & {*values})]
    seen = Counter(label for labels in masks for label in labels)
    alone = sum(count == 1 for count in seen.values()) / len(seen)
    if alone >= ALONE and len(seen) > MOST_KINDS and len(masks) >= FEWEST_MASKS:
        return "objects"
    if all(labels == masks[0] for labels in masks):
        return "classes"
    many = len(seen) > MOST_CLASSES
    if _whole(looks, values) < WHOLE:
        return "unclear" if many else "classes"
    if many or max(map(len, masks)) >= MOST_LEVELS:
        return "objects"
    if max(seen) > len(seen):
        return "unclear" if max(seen) > _BYTE else "classes"
    counted = all(labels == {*range(1, len(labels) + 1)} for labels in masks)
    return "unclear" if counted or max(map(len, masks)) == 1 else "classes"


def of_objects(looks: Sequence[Look], shares: Mapping[int, float]) -> FoundTruth:
    """Of values that number objects of one class, or masks."""
    first, last = min({*shares} - {0}), max(shares)
    background = shares.get(0, 0.0)
    meanings = [Meaning("0", "background", background), Meaning(f"{first} ...", "foreground", 1 - background)]
    if all(len(look.values) <= len((0, 1)) for look in looks):
        why = f"each has 0 and one other value, {first} to {last}, which numbers it"
        return FoundTruth({}, [], meanings, "two levels", why, ["that values number masks of one class"])
    most = max(len(look.values) - 1 for look in looks)
    why = f"values {first} to {last} number objects, up to {most} in a mask"
    unsure = ["that values number objects of one class"]
    return FoundTruth({"form": "instances"}, [], meanings, "instances, united", why, unsure)


def number_question(values: Collection[int], what: str, ways: Mapping[str, Mapping]) -> Question:
    text = (
        f"[data.mask] form: {what} {min(values)} to {max(values)}, not all in every mask. Do they number objects of "
        'one class ("objects", form = "instances"), or name classes ("classes")?'
    )
    return Question(text, ways, None)


def of_ids(looks: Sequence[Look], shares: Mapping[int, float], what: str) -> FoundTruth:
    """Of values beyond 8 bit, few and with gaps, that may be either."""
    found = of_objects(looks, shares)
    ways = {
        "objects": {"mask": dict(found.mask), "classes": []},
        "classes": level_keys(shares, at_border(looks, shares)),
    }
    question = number_question({*shares} - {0}, what, ways)
    return FoundTruth(found.mask, [], found.meanings, found.form, found.why, questions=[question])


def _whole(looks: Sequence[Look], values: Collection[int]) -> float:
    """The share of values that are one region, each in each mask."""
    counts = [
        count
        for look in looks
        for value, count in zip(look.values.tolist(), look.shapes.regions.tolist(), strict=True)
        if value in values
    ]
    return sum(count == 1 for count in counts) / len(counts)
