"""What the gate says: one finding for each kind of problem, however often it occurs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any

MAX_LISTED = 1000
"""Occurrences of a finding that the split report lists; all are counted."""
_NAMED = 3


@dataclass(frozen=True)
class Finding:
    """A kind of problem: how often it occurs, where, and what to do about it."""

    kind: str
    count: int
    what: str
    advice: str
    examples: tuple[str, ...]
    """The first `MAX_LISTED` occurrences."""
    stops: bool
    """Whether a run stops because of it."""

    @property
    def message(self) -> str:
        """All of it in one line, with the first occurrences."""
        more = self.count - _NAMED
        named = [
            *(example.rstrip(".") for example in self.examples[:_NAMED]),
            *([f"and {more} more"] if more > 0 else []),
        ]
        return f"{self.kind} ({self.count}): {self.what}: {'; '.join(named)}. {self.advice}"

    def as_json(self) -> dict[str, Any]:
        """For the split report."""
        return {**asdict(self), "message": self.message}


def finding(
    kind: str, what: str, advice: str, examples: Iterable[str], *, stops: bool, count: int | None = None
) -> Iterator[Finding]:
    """The finding of all `examples`, or nothing where there is none; `count`, where they are not all there are."""
    rest = iter(examples)
    listed = tuple(islice(rest, MAX_LISTED))
    if listed:
        yield Finding(kind, count or len(listed) + sum(1 for _ in rest), what, advice, listed, stops)
