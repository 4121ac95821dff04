"""Our own Trainer, by the plan that is made from the images to learn from and the budget."""

from __future__ import annotations

from pathlib import Path

from benchmarks.quality.contest.contestant import Outcome, Pace
from benchmarks.quality.contest.problem import PLACE, Problem, config_of
from benchmarks.quality.contest.versions import digest
from components.trainer.version import trainer_version
from pipeline.runs.plan import choices
from pipeline.runs.plan.fingerprint import Machine

_PACE_STEPS = (20, 60)
_MACHINE = Machine(cores=2, memory=2.0**34)
"""That of the contest, wherever it is held."""


class Ours:
    """What `maskline plan` chooses."""

    methods: tuple[str, ...] = ("ours",)

    def version(self, data: str) -> str:
        settings = digest(PLACE / f"{data}.toml", Path(choices.__file__))
        return f"{settings} {trainer_version(config_of(data).trainer)}"

    def pace(self, problem: Problem, python: Path | None) -> Pace:
        raise NotImplementedError

    def enter(self, problem: Problem, minutes: int, steps: int, seed: int, python: Path | None) -> Outcome:
        raise NotImplementedError
