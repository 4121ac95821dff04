"""Our own Trainer, by the data set's config."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from benchmarks.quality.contest.contestant import Outcome, Pace
from benchmarks.quality.contest.problem import PLACE, Problem, config_of
from benchmarks.quality.contest.versions import digest
from benchmarks.quality.prepared import prepare
from benchmarks.quality.trial import of_seed, train
from components.inference.model import load_model
from components.trainer.version import trainer_version
from pipeline.config.root import Config

_PACE_STEPS = (40, 120)


class Ours:
    """What `NAME.toml` says, with a budget of steps."""

    methods: tuple[str, ...] = ("ours",)

    def version(self, data: str) -> str:
        return f"{digest(PLACE / f'{data}.toml')} {trainer_version(config_of(data).trainer)}"

    def pace(self, problem: Problem, python: Path | None) -> Pace:
        # What begins and ends a training is in both.
        (fewer, least), (more, most) = (self._spent(problem, steps) for steps in _PACE_STEPS)
        return Pace((most - least) / (more - fewer))

    def enter(self, problem: Problem, steps: int, seed: int, python: Path | None) -> Outcome:
        with TemporaryDirectory() as folder:
            served, trained = _trained(problem, steps, seed, Path(folder))
            predictions = load_model(served).predict(source.image for source in problem.measured)
            answers: list[np.ndarray] = [prediction.classes for prediction in predictions]
        costs = (trained[name] for name in ("steps", "parameters", "seconds", "processor_seconds"))
        return Outcome({"ours": answers}, *costs)

    def _spent(self, problem: Problem, steps: int) -> tuple[int, float]:
        with TemporaryDirectory() as folder:
            _, trained = _trained(problem, steps, 0, Path(folder))
        return trained["steps"], trained["processor_seconds"]


def _trained(problem: Problem, steps: int, seed: int, folder: Path) -> tuple[Path, dict[str, Any]]:
    config: Config = config_of(problem.data, [f"training.budget='{steps} steps'", *of_seed(seed)])
    records = folder / "records"
    return train(prepare(problem.root, problem.known, config.records, problem.split, records), config, folder)
