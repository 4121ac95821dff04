"""Values that may mark what is not judged: rims between others, and 255."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from pipeline.runs.init.looks import Look, share_of
from pipeline.runs.init.questions import Question
from pipeline.runs.init.truth.limits import RIM, VOIDS


def rims_of(looks: Sequence[Look], values: Collection[int]) -> list[int]:
    """Those of the values that lie as a rim between others; of layers several do."""
    return [value for value in sorted(values) if share_of(looks, value, "rim") >= RIM]


def rims_granted(rims: Sequence[int]) -> str:
    """For people."""
    return f"that {', '.join(map(str, rims))}, between others as a rim is, names a class"


def void_of(values: Collection[int]) -> int | None:
    """The value that by habit is not judged, above those that are counted from 0 without gaps; else None."""
    void = max(values)
    others = sorted({*values} - {void})
    return void if void in VOIDS and len(others) > 1 and others == [*range(len(others))] else None


def is_void(looks: Sequence[Look], void: int, highest: int) -> bool:
    """Whether it may be granted that it is ignored: a rim is by habit, and what stands beside several classes."""
    return highest > 1 or bool(rims_of(looks, [void]))


def void_question(looks: Sequence[Look], void: int, highest: int, ways: Mapping[str, Mapping[str, Any]]) -> Question:
    rim = bool(rims_of(looks, [void]))
    where = "as a rim between others" if rim else "not as a rim"
    text = (
        f"[data.mask] ignore: {void} beside 0 to {highest} lies {where}. Does it mark what is not judged "
        '("ignore"), or a class ("class")?'
    )
    default = "ignore" if is_void(looks, void, highest) else None
    return Question(text, ways, default, f"that {void} marks what is not judged")


def rim_question(what: str, rim: str, answers: Mapping[str, Mapping[str, Any]]) -> Question:
    part = ', or a part of what it surrounds ("object")' if "object" in answers else ""
    text = (
        f'[data.mask]: {what} {rim} lies as a rim between others. Is it a class of its own ("class"), what is not '
        f'judged ("ignore"){part}?'
    )
    return Question(text, answers, None)
