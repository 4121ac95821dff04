"""Whether names of images hold patients: a part of them that several share."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.runs.init.roles import words_of

_LEAST_GROUPS = 6
_LEAST_SHARED = 1.2
"""Images a group on the average."""
_MOST_SHARED = 200


@dataclass(frozen=True)
class NamedGroups:
    pattern: str
    """As `[data.groups] pattern` has it."""
    count: int
    example: tuple[str, str]
    """A name and its group."""


def groups_in(names: Sequence[str]) -> NamedGroups | None:
    """By the first word of the names, of those with a digit, that takes as many values as patients would.

    Args:
        names: of images, without folder and suffix.
    """
    parts = [words_of(name) for name in names]
    shortest = min(map(len, parts), default=0)
    for place in range(shortest - 1):
        values = [words[place] for words in parts]
        distinct = {*values}
        numbered = all(re.search(r"\d", value) for value in distinct)
        if numbered and len(distinct) >= _LEAST_GROUPS and _LEAST_SHARED <= len(names) / len(distinct) <= _MOST_SHARED:
            before = rf"(?:[^\W_]+[\W_]+){{{place}}}" if place else ""
            return NamedGroups(rf"^[\W_]*{before}([^\W_]+)", len(distinct), (names[0], values[0]))
    return None
