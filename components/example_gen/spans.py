"""Spans: folders of data that arrive over time, each laid out like the first.

They are named `span-1`, `span-2`, ... and come in the order of their numbers, or `span-2026-11-21`, ... in that of
their dates. A run trains on the last ones, its window, and tests on all: `components.records.splits` says what keeps
a model from being tested on what it, or the model before it, was trained on.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from itertools import pairwise
from pathlib import Path

from components.errors import UsageError
from components.example_gen.samples import Listing, Reject, below, merged
from components.records.splits import TEST

OLDER = "span"
"""The kind of a source that is left out because its span is older than the window."""

_NUMBERED = re.compile(r"span-([0-9]+)")
_DATED = re.compile(r"span-([0-9]{4}-[0-9]{2}-[0-9]{2})")
_NOT_READ = "not read: a span is a folder named span- and a number, or span- and a date such as 2026-11-21"


@dataclass(frozen=True, order=True)
class Span:
    """A folder that is named like a span; they sort by age, oldest first."""

    dated: bool
    number: int
    """Of a date its day, counted from the year 1."""
    folder: Path


def find_spans(root: Path) -> list[Span]:
    """All folders that are named like spans, oldest first."""
    return sorted(span for path in root.glob("span-*") if (span := _span(path)) is not None)


def span_folders(root: Path) -> list[Path]:
    """The spans, oldest first; numbers and dates may have gaps.

    Raises:
        UsageError: there is none, two have the same number, or some have numbers and others dates.
    """
    found = find_spans(root)
    if not found:
        raise UsageError(
            f"{root}: has no folder span-1, span-2, ... or span-2026-11-21, ... Remove [data] spans, or give another "
            "folder."
        )
    for span, newer in pairwise(found):
        one, other = span.folder.name, newer.folder.name
        if span.dated != newer.dated:
            raise UsageError(
                f"{root}: {one!r} has a number and {other!r} a date, so nothing tells which is newer. "
                "Name all spans in one way."
            )
        if span.number == newer.number:
            raise UsageError(f"{root}: {one!r} and {other!r} are both span {span.number}. Rename one.")
    return [span.folder for span in found]


def misnamed(root: Path) -> list[Path]:
    """What is named almost like a span, sorted: a mistake that would leave data out unseen."""
    return sorted(path for path in root.iterdir() if path.name.lower().startswith("span") and _span(path) is None)


def list_spans(root: Path, list_layout: Callable[[Path], Listing]) -> Listing:
    """The listings of all spans as one. What stands beside the spans is not read.

    Groups do not tell spans apart: a patient who comes again stays in one split.

    Raises:
        UsageError: as `span_folders` and `list_layout` do.
    """
    spans = merged(below(path.name, list_layout(path)) for path in span_folders(root))
    return merged([spans, Listing((), tuple(Reject(path.name, "span", _NOT_READ) for path in misnamed(root)))])


def span_ages(root: Path) -> dict[str, int]:
    """By the name of its folder, how many spans came after a span.

    Raises:
        UsageError: as `span_folders` does.
    """
    return {folder.name: age for age, folder in enumerate(reversed(span_folders(root)))}


def age_of(source: str, ages: Mapping[str, int]) -> int:
    """The age of the span that a source, a path relative to the root, stands in; 0 for what stands in none."""
    return ages.get(source.partition("/")[0], 0)


def within_window(listing: Listing, ages: Mapping[str, int], last: int) -> Listing:
    """A listing whose samples have their splits, as a run reads it: the last spans, 0 for all, and every test sample.

    What is older than the window counts neither as used nor as unusable.
    """
    if not last:
        return listing
    window = "the last span" if last == 1 else f"the last {last} spans"

    def is_older(source: str) -> bool:
        return age_of(source, ages) >= last

    samples = [sample for sample in listing.samples if sample.split == TEST or not is_older(sample.image)]
    rejects = [reject for reject in listing.rejects if not is_older(reject.source)]
    kept = {sample.image for sample in samples}
    older = [
        *(
            Reject(sample.image, OLDER, f"older than {window}, and not in the test split")
            for sample in listing.samples
            if sample.image not in kept
        ),
        *(
            Reject(reject.source, OLDER, f"older than {window}; {reject.reason}")
            for reject in listing.rejects
            if is_older(reject.source)
        ),
    ]
    return replace(listing, samples=tuple(samples), rejects=tuple(rejects), left_out=(*listing.left_out, *older))


def _span(path: Path) -> Span | None:
    if not path.is_dir():
        return None
    if number := _NUMBERED.fullmatch(path.name):
        return Span(False, int(number[1]), path)
    if day := _DATED.fullmatch(path.name):
        try:
            return Span(True, date.fromisoformat(day[1]).toordinal(), path)
        except ValueError:
            return None
    return None
