"""What only a person knows of a folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Question:
    """One that is asked where somebody is there to answer."""

    text: str
    answers: Mapping[str, Mapping[str, Any]]
    """Of each answer the keys of `[data]` that it sets."""
    default: str | None
    """What is taken for granted where nobody answers; None: a wrong guess would turn the truth upside down, so that it
    stays open."""
    granted: str = ""
    """How the default is told."""
    topic: str = ""
    """Of the rows that hold for the default alone."""

    @property
    def keys(self) -> set[str]:
        """That answer it, as `--set` names them."""
        found = set()
        for answer in self.answers.values():
            for key, value in answer.items():
                found |= {f"data.{key}.{inner}" for inner in value} if isinstance(value, Mapping) else {f"data.{key}"}
        return found


Ask = Callable[[Question], str | None]
"""One of the answers, or None of who does not know."""


def nobody(question: Question) -> None:
    """Answers nothing."""
