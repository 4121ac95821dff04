"""Masks whose values are counted from 0: class indices, or numbers of objects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.runs.init.looks import Look
from pipeline.runs.init.truth.levels import level_keys, rim_ways
from pipeline.runs.init.truth.meanings import FoundTruth, Meaning
from pipeline.runs.init.truth.numbers import number_question, numbering, of_objects
from pipeline.runs.init.truth.rims import is_void, rim_question, rims_granted, rims_of, void_question


def of_indices(looks: Sequence[Look], counts: Mapping[int, float], void: int | None, what: str) -> FoundTruth:
    """Of 0, 1, ... and where wanted a value that marks what is not judged."""
    values = [value for value in counts if value != void]
    numbers = numbering(looks, values[1:])
    if numbers == "objects" and void is None:
        return of_objects(looks, counts)
    keys = _index_keys(values)
    names = ["background", *(keys["classes"] or ["foreground"])]
    meanings = [Meaning(str(value), name, counts[value]) for value, name in zip(values, names, strict=True)]
    why, unsure, questions = f"{what} 0 to {values[-1]}", ["the names of the classes"] if keys["classes"] else [], []
    rims = rims_of(looks, values[1:]) if len(values) > len((0, 1)) else []
    if len(rims) == 1 and void is None:
        ways = rim_ways(values, 0, rims[0])
        questions += [rim_question(what, str(rims[0]), {**ways, "class": keys})]
    elif rims:
        unsure += [rims_granted(rims)]
    elif numbers != "classes" and len(values) > len((0, 1)):
        ways = {"objects": {"mask": {"form": "instances"}, "classes": []}, "classes": keys}
        questions += [number_question(values[1:], what, ways)]
    if void is not None:
        why += f", and {void} beside them"
        granted = is_void(looks, void, values[-1])
        meanings += [Meaning(str(void), "ignore" if granted else f"class_{void}", counts[void])]
        ignored = {"mask": {"ignore": void}} if granted else level_keys(counts, 0, [void])
        ways = {"ignore": ignored, "class": level_keys(counts, 0)}
        questions += [void_question(looks, void, values[-1], ways)]
        # What is asked must be readable as it stands.
        keys = keys if granted else ways["class"]
    return FoundTruth(keys["mask"], keys["classes"], meanings, "class indices", why, unsure, questions)


def _index_keys(values: Sequence[int]) -> dict[str, Any]:
    """Keys of `[data]`."""
    names = [f"class_{value}" for value in values[1:]]
    return {"mask": {"form": "indices"}, "classes": names if len(names) > 1 else []}
