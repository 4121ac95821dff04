"""Spans: folders span-1, span-2, ... of data that arrives over time, each laid out like the first."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

from components.errors import UsageError
from components.example_gen.samples import Listing, Reject, below, merged

_SPAN = re.compile(r"span-([0-9]+)")


def numbered(root: Path) -> list[tuple[int, Path]]:
    """The span folders of a folder with their numbers, in the order of the numbers."""
    return sorted((number, path) for path in root.glob("span-*") if (number := _number(path)) is not None)


def span_folders(root: Path, last: int) -> list[Path]:
    """The spans of the `last` highest numbers, 0 for all; numbers may have gaps.

    Raises:
        UsageError: there is none, or two have the same number.
    """
    found = numbered(root)
    if not found:
        raise UsageError(f"{root}: has no folder span-1, span-2, ... Remove [data] spans, or give another folder.")
    for (number, path), (next_number, next_path) in pairwise(found):
        if number == next_number:
            raise UsageError(f"{root}: {path.name!r} and {next_path.name!r} are both span {number}. Rename one.")
    return [path for _, path in found[-last:]]


def misnamed(root: Path) -> list[Path]:
    """What is named almost like a span, sorted: a mistake that would leave data out unseen."""
    return sorted(path for path in root.iterdir() if path.name.lower().startswith("span") and _number(path) is None)


def list_spans(root: Path, last: int, list_layout: Callable[[Path], Listing]) -> Listing:
    """The listings of the last spans as one. What stands beside the spans is not read.

    Groups do not tell spans apart: a patient who comes again stays in one split.

    Raises:
        UsageError: as `span_folders` and `list_layout` do.
    """
    spans = merged(below(path.name, list_layout(path)) for path in span_folders(root, last))
    reason = "not read: a span is a folder named span- and a number"
    return merged([spans, Listing((), tuple(Reject(path.name, "span", reason) for path in misnamed(root)))])


def _number(path: Path) -> int | None:
    match = _SPAN.fullmatch(path.name)
    return int(match[1]) if match and path.is_dir() else None
