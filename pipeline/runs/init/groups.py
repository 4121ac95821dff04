"""Whether names of images hold patients: a part of them that several share."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from pipeline.runs.init.roles import words_of

_LEAST_GROUPS = 6
_LEAST_SHARED = 1.2
"""Images a group on the average."""
_MOST_SHARED = 200
_PART = re.compile(r"(fold|split|span|part|batch|chunk|subset)[\W_]*\d+", re.IGNORECASE)


@dataclass(frozen=True)
class NamedGroups:
    pattern: str
    """As `[data.groups] pattern` has it."""
    count: int
    example: tuple[str, str]
    """A name and its group."""


def groups_in(names: Sequence[str]) -> NamedGroups | None:
    """By the first word of the names, of those with a digit, that takes as many values as patients would; or by a
    number before the side, as in `01L` and `01R`.

    Args:
        names: of images, without folder and suffix.
    """
    for pattern in _patterns(min((len(words_of(name)) for name in names), default=0)):
        found = [match[1] if (match := re.search(pattern, name)) else "" for name in names]
        distinct = {*found}
        numbered = all(re.search(r"\d", value) for value in distinct) and not are_no_patients(distinct)
        if numbered and len(distinct) >= _LEAST_GROUPS and _LEAST_SHARED <= len(names) / len(distinct) <= _MOST_SHARED:
            return NamedGroups(pattern, len(distinct), (names[0], found[0]))
    return None


def are_no_patients(values: Collection[str]) -> bool:
    """Whether all are dates, or number parts of a data set: folds, spans, batches."""
    return all(map(_is_date, values)) or all(map(_PART.fullmatch, values))


def _patterns(words: int) -> Iterator[str]:
    for place in range(words - 1):
        before = rf"(?:[^\W_]+[\W_]+){{{place}}}" if place else ""
        yield rf"^[\W_]*{before}([^\W_]+)"
    yield r"(\d+)[LR]$"


def _is_date(text: str) -> bool:
    digits = re.sub(r"[\W_]", "", text)
    if not re.fullmatch(r"(19|20)\d{6}", digits):
        return False
    try:
        datetime.strptime(digits, "%Y%m%d")
    except ValueError:
        return False
    return True
