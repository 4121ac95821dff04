"""Masks of several grey values, one of them background, and each other a class."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from pipeline.runs.init.looks import Look
from pipeline.runs.init.questions import Question
from pipeline.runs.init.truth.meanings import FoundTruth, Meaning
from pipeline.runs.init.truth.rims import rim_question, rims_granted, rims_of

_TWO = 2


def of_levels(looks: Sequence[Look], shares: Mapping[int, float], what: str, blended: float = 0.0) -> FoundTruth:
    """Of the levels that are given.

    Args:
        shares: of all pixels, by level.
        blended: greatest share of a mask that lies between levels.
    """
    background = at_border(looks, shares)
    ways = {str(value): level_keys(shares, value) for value in shares}
    keys = ways[str(background)]
    meanings = [Meaning(value, name, shares[int(value)]) for value, name in keys["mask"]["levels"].items()]
    why = f"{what} {', '.join(map(str, shares))}; {background} stands at the borders"
    question = which_background(what, str(background), ways, "0")
    unsure = [] if question else [f"that {background} is background"]
    rims = rims_of(looks, {*shares} - {background})
    if len(rims) == 1 and not question:
        question = rim_question(what, str(rims[0]), rim_ways(shares, background, rims[0]))
    elif rims:
        unsure += [rims_granted(rims)]
    unsure += ["the names of the classes"] if len(shares) > _TWO else []
    mask = dict(keys["mask"])
    if blended:
        mask["max_stray"] = min(1.0, round(2 * blended + 0.01, 2))
        unsure += ["that blends along outlines count as the nearest level, whichever class that is"]
    return FoundTruth(mask, keys["classes"], meanings, "levels", why, unsure, [question] if question else [])


def at_border(looks: Sequence[Look], shares: Mapping[int, float]) -> int:
    """The level that is most frequent at the borders."""
    border = Counter(np.concatenate([look.border for look in looks]).tolist())
    return max(shares, key=lambda value: (border[value], shares[value]))


def level_keys(values: Iterable[int], background: int, ignored: Collection[int] = ()) -> dict[str, Any]:
    """Keys of `[data]` where one of the values is background."""
    others = [value for value in values if value != background and value not in ignored]
    names = {background: "background", **_class_names(others), **dict.fromkeys(ignored, "ignore")}
    classes = [names[each] for each in others] if len(others) > 1 else []
    return {
        "mask": {"form": "levels", "levels": {str(value): names[value] for value in sorted(names)}},
        "classes": classes,
    }


def rim_ways(values: Collection[int], background: int, rim: int) -> dict[str, dict[str, Any]]:
    """What it is to each answer of what a rim is; a part of what it surrounds where that is one class."""
    ways = {"class": level_keys(values, background), "ignore": level_keys(values, background, [rim])}
    if len(values) == len((background, rim)) + 1:
        levels = {**ways["ignore"]["mask"]["levels"], str(rim): "foreground"}
        ways["object"] = {"mask": {"form": "levels", "levels": levels}, "classes": []}
    return ways


def which_background(what: str, guess: str, ways: Mapping[str, Mapping[str, Any]], black: str) -> Question | None:
    """None where black is, which it mostly is, or where of several values, none of them black, one stands around."""
    if guess == black or (black not in ways and len(ways) > _TWO):
        return None
    text = f"[data.mask]: {what} {', '.join(ways)}, and {guess} stands at the borders. Which of them is background?"
    return Question(text, ways, None)


def _class_names(values: Sequence[int]) -> dict[int, str]:
    return {values[0]: "foreground"} if len(values) == 1 else {value: f"class_{value}" for value in values}
