"""Our own Trainer, by the plan that is made from the images to learn from and the budget.

Its step is a megapixel that is learnt from, whatever the size of records and batches that the plan takes.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from benchmarks.quality.contest.contestant import Outcome, Pace
from benchmarks.quality.contest.paces import SECONDS_A_MINUTE
from benchmarks.quality.contest.problem import PLACE, Problem, config_of
from benchmarks.quality.contest.versions import digest
from benchmarks.quality.prepared import prepare
from benchmarks.quality.trial import train
from components.inference.model import load_model
from components.trainer.settings import AUTO, Model
from components.trainer.version import trainer_version
from pipeline.config.root import Config
from pipeline.runs.plan import choices, networks, sizes
from pipeline.runs.plan.core import with_choices
from pipeline.runs.plan.fingerprint import Fingerprint, Machine, look_at, summarized

_MACHINE = Machine(cores=2, memory=2.0**34)
_SECONDS = networks.ENCODER.seconds
"""Of a megapixel, as the plan counts."""
_PACE_STEPS, _STEPS = (20, 60), 600
"""Those of two short trainings, and of a whole one, whose validations and ends are shared among them."""


class Ours:
    """What `maskline plan` chooses."""

    methods: tuple[str, ...] = ("ours",)

    def version(self, data: str) -> str:
        """Of the plan's numbers, the trainer and the data set's config."""
        model = Model(architecture=networks.ENCODER.architecture, parameters=dict(networks.ENCODER.parameters))
        trainer = trainer_version(_config(data).trainer.model_copy(update={"model": model}))
        return f"{digest(PLACE / f'{data}.toml')} {_numbers()} {trainer}"

    def pace(self, problem: Problem, python: Path | None) -> Pace:
        config = _planned(problem, minutes=_STEPS * _SECONDS / SECONDS_A_MINUTE)
        (fewer, least), (more, most) = (_spent(problem, config, steps) for steps in _PACE_STEPS)
        step = (most - least) / (more - fewer)
        whole = step + (least - fewer * step) / _STEPS
        size = {"height": config.data.height, "width": config.data.width, "batch": config.training.batch_size}
        return Pace(whole / _megapixels(config), size)

    def enter(self, problem: Problem, steps: int, seed: int, python: Path | None) -> Outcome:
        config = _planned(problem, minutes=steps * _SECONDS / SECONDS_A_MINUTE)
        with TemporaryDirectory() as folder:
            served, trained = _trained(problem, config, round(steps / _megapixels(config)), seed, Path(folder))
            predictions = load_model(served).predict(source.image for source in problem.measured)
            answers: list[np.ndarray] = [prediction.classes for prediction in predictions]
        costs = (trained[name] for name in ("steps", "parameters", "seconds", "processor_seconds"))
        return Outcome({"ours": answers}, *costs)


def _numbers() -> str:
    """Digest of those that the plan goes by, without what it says of them."""
    modules = (choices, networks, sizes)
    constants = {name.strip("_"): value for module in modules for name, value in vars(module).items() if name.isupper()}
    told = {name: value._replace(why="") if hasattr(value, "why") else value for name, value in constants.items()}
    return hashlib.sha256(repr(sorted(told.items())).encode()).hexdigest()[:12]


def _config(data: str) -> Config:
    """What is said of the data, and all else left to the plan."""
    left = {"model": {"architecture": AUTO}, "training": {"budget": "1 steps"}, "augmentation": {}}
    return config_of(data).with_sections(left)


def _planned(problem: Problem, minutes: float) -> Config:
    """What a recipe with `architecture = "auto"` comes to, but for folds, which the contest has of its own."""
    chosen = choices.choose(_seen(problem), minutes)
    return with_choices(_config(problem.data), [choice for choice in chosen if not choice.key.startswith("folds.")])


def _seen(problem: Problem) -> Fingerprint:
    learnt = [*problem.train, *problem.validation]
    looks = [look_at(problem.truth(source), len(problem.classes)) for source in learnt]
    groups = len({source.sample.group for source in learnt})
    return summarized(
        looks, problem.classes, images=len(learnt), groups=groups, tested=0, prescribed=True, machine=_MACHINE
    )


def _megapixels(config: Config) -> float:
    """Of a step."""
    return config.training.batch_size * config.data.height * config.data.width / 1e6


def _spent(problem: Problem, config: Config, steps: int) -> tuple[int, float]:
    with TemporaryDirectory() as folder:
        _, trained = _trained(problem, config, steps, 0, Path(folder))
    return trained["steps"], trained["processor_seconds"]


def _trained(problem: Problem, config: Config, steps: int, seed: int, folder: Path) -> tuple[Path, dict[str, Any]]:
    training = {**config.given("training"), "budget": f"{steps} steps", "seed": seed}
    augmentation = {**config.given("augmentation"), "seed": seed}
    seeded = config.with_sections({"training": training, "augmentation": augmentation})
    records = prepare(problem.root, problem.known, seeded.records, problem.split, folder / "records")
    return train(records, seeded, folder)
