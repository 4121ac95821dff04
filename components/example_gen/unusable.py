"""Why a sample cannot become a record."""

from __future__ import annotations

from components.example_gen.turns import Turns
from components.reason import Reason


class Unusable(Reason):
    """A sample that cannot become a record: the kind of its fault, and exactly what."""

    def __init__(self, kind: str, reason: str, turns: Turns | None = None) -> None:
        super().__init__(reason)
        self.kind = kind
        self.turns = turns
        """Where its files carry orientations, and these are at fault."""
