"""What was understood of masks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pipeline.runs.init.questions import Question


@dataclass(frozen=True)
class Meaning:
    """Of a value or a colour of masks."""

    value: str
    name: str
    share: float
    """Of all pixels that were looked at."""


@dataclass(frozen=True)
class FoundTruth:
    mask: Mapping[str, Any]
    """Keys of `[data.mask]` that are not as by default."""
    classes: Sequence[str]
    """Keys of `[data] classes`; empty: one, foreground."""
    meanings: Sequence[Meaning]
    form: str
    """For people."""
    why: str
    unsure: Sequence[str] = field(default=())
    questions: Sequence[Question] = field(default=())
