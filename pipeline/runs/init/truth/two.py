"""Masks of one class: two values, or those that are cut between two."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pipeline.runs.init.looks import Look, legend_of
from pipeline.runs.init.questions import Question
from pipeline.runs.init.truth.levels import of_levels
from pipeline.runs.init.truth.limits import FULL
from pipeline.runs.init.truth.meanings import FoundTruth, Meaning


def of_two(looks: Sequence[Look], shares: Mapping[int, float], what: str) -> FoundTruth:
    """Of 0 and another."""
    other = max(shares)
    meanings = [Meaning("0", "background", shares.get(0, 0.0)), Meaning(str(other), "foreground", shares[other])]
    exact = all(len(look.values) <= 2 for look in looks)
    mask: dict[str, Any] = {} if exact else {"threshold": (other + 1) // 2}
    if looks[0].palette:
        mask = {"form": "levels", "levels": {"0": "background", str(other): "foreground"}}
    why = f"{what} 0 and {other}" + ("" if exact else ", and stray ones between them")
    return FoundTruth(mask, [], meanings, "two levels", why, questions=_which_way(looks, other))


def of_soft(looks: Sequence[Look]) -> FoundTruth:
    largest = max(int(look.values[-1]) for look in looks)
    threshold = (largest + 1) // 2
    inside = float(np.mean(np.concatenate([look.pixels for look in looks]) >= threshold))
    meanings = [
        Meaning(f"below {threshold}", "background", 1 - inside),
        Meaning(f"from {threshold}", "foreground", inside),
    ]
    why = f"many grey values up to {largest}, cut in the middle"
    unsure = [f"the threshold {threshold}"]
    return FoundTruth({"threshold": threshold}, [], meanings, "grey", why, unsure, _which_way(looks, largest))


def of_blurred(looks: Sequence[Look]) -> FoundTruth:
    """Of gray JPEG, or of gray with other values along outlines."""
    colours = sorted(legend_of(looks, blurred=True), key=lambda colour: colour.code)
    if len(colours) < 2:
        return of_soft(looks)
    levels = {colour.code & 255: colour.share for colour in colours}
    if len(levels) > 2:
        return of_levels(looks, levels, "grey levels near")
    blur = "blurred by JPEG" if any(look.lossy for look in looks) else "blurred along outlines"
    return of_cut(looks, levels, blur)


def of_cut(looks: Sequence[Look], levels: Mapping[int, float], blur: str) -> FoundTruth:
    """Of two levels and what lies between them."""
    low, high = sorted(levels)
    meanings = [Meaning(f"near {low}", "background", levels[low]), Meaning(f"near {high}", "foreground", levels[high])]
    why = f"levels near {low} and {high}, {blur}, cut in the middle"
    mask = {"threshold": (low + high + 1) // 2}
    return FoundTruth(mask, [], meanings, "two levels", why, questions=_which_way(looks, high))


def _which_way(looks: Sequence[Look], bright: int) -> list[Question]:
    median = float(np.median([np.mean(look.pixels >= max(1, (bright + 1) // 2)) for look in looks]))
    if median <= FULL:
        return []
    text = (
        f"[data.mask] foreground: the bright pixels ({bright}) cover {median:.0%} of a mask. Are they the foreground "
        '("bright"), or are the dark ones ("dark")?'
    )
    return [Question(text, {way: {"mask": {"foreground": way}} for way in ("bright", "dark")}, None)]
