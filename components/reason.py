"""What is said of files that others wrote."""

from __future__ import annotations

from components.brief import brief


class Reason(ValueError):
    """Why something cannot be used, in as much as people read: what it quotes of a file may be of any length."""

    def __init__(self, reason: str) -> None:
        super().__init__(brief(reason))
