"""What one is that takes part: it says what a step costs, and learns and answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from benchmarks.quality.contest.problem import Problem


@dataclass(frozen=True)
class Pace:
    """What a step of training costs, with its share of validation."""

    seconds: float
    """Of the processor."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """What else was seen: the plan that was chosen."""


@dataclass(frozen=True)
class Outcome:
    """What a training cost, and the answers after it."""

    answers: Mapping[str, Sequence[np.ndarray]]
    """By method: class indices `(H, W)` uint8 of each source that is measured, at its size."""
    steps: int
    parameters: int
    seconds: float
    processor_seconds: float
    """Of training, its validation included, not of what comes before and after it."""


class Contestant(Protocol):
    """One training, whose answers count as one method or several."""

    methods: tuple[str, ...]
    """Names of the answers; they begin with its own."""

    def version(self, data: str) -> str:
        """Of the code and the settings for a data set: rows of others do not compare."""

    def pace(self, problem: Problem, python: Path | None) -> Pace:
        """Measured by a short training.

        Args:
            problem: that of the contest; nothing of the split that is measured is looked at.
            python: the interpreter of an environment that it needs for itself.
        """

    def enter(self, problem: Problem, steps: int, seed: int, python: Path | None) -> Outcome:
        """Trains for so many steps at the most, and answers."""
