"""Masks whose values are counted from 0: class indices, or numbers of objects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.runs.init.looks import Look
from pipeline.runs.init.truth.levels import level_keys, rim_ways
from pipeline.runs.init.truth.meanings import FoundTruth, Meaning
from pipeline.runs.init.truth.numbers import number_question, numbering, of_objects
from pipeline.runs.init.truth.rims import rim_of, rim_question, void_question


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
    rim = rim_of(looks, values[1:]) if len(values) > len((0, 1)) else None
    if rim is not None and void is None:
        ways = rim_ways(values, 0, rim)
        questions += [rim_question(what, str(rim), {**ways, "class": keys})]
    elif rim is not None:
        unsure += [f"that {rim}, a rim between others, is a class"]
    elif numbers != "classes" and len(values) > len((0, 1)):
        ways = {"objects": {"mask": {"form": "instances"}, "classes": []}, "classes": keys}
        questions += [number_question(values[1:], what, ways)]
    if void is not None:
        why += f", and {void} beside them"
        meanings += [Meaning(str(void), "ignore", counts[void])]
        questions += [void_question(looks, void, values[-1], level_keys(counts, 0))]
    return FoundTruth(keys["mask"], keys["classes"], meanings, "class indices", why, unsure, questions)


def _index_keys(values: Sequence[int]) -> dict[str, Any]:
    """Keys of `[data]`."""
    names = [f"class_{value}" for value in values[1:]]
    return {"mask": {"form": "indices"}, "classes": names if len(names) > 1 else []}
