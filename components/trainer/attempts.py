"""A training that has collapsed, and the one that it is started once again as."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from components.trainer.batches import TrainingData
from components.trainer.checkpoint import Checkpoint
from components.trainer.collapse import Collapse
from components.trainer.metrics import Judge
from components.trainer.settings import TrainerSettings
from components.trainer.strips import Strips
from components.trainer.warm_start import Start

_SEEDS_APART = 1000
"""More than there are folds, whose seeds follow each other."""
_SECOND, _OTHER = "retry", "collapsed"


@dataclass(frozen=True)
class Attempt:
    """A training that is over, with the weights of its best epoch."""

    seed: int
    folder: Path
    devices: list[str]
    data: TrainingData
    validation: tf.data.Dataset
    begun: Start
    model: keras.Model
    judge: Judge
    checkpoint: Checkpoint
    collapse: Collapse
    strips: Strips
    seconds: float

    @property
    def history(self) -> dict[str, list[float]]:
        """By name, one number per epoch."""
        return self.checkpoint.history

    @property
    def setting(self) -> tuple[list[str], TrainingData, tf.data.Dataset, Start, keras.Model, Judge]:
        """What it was trained on, by what and from what."""
        return self.devices, self.data, self.validation, self.begun, self.model, self.judge

    @property
    def rank(self) -> tuple[bool, float]:
        """The lower one is the better."""
        return bool(self.collapse.found), min(self.history["val_loss"])

    def as_json(self) -> dict[str, Any]:
        return {
            "seed": self.seed,
            "epochs_run": len(self.history["val_loss"]),
            "val_loss": min(self.history["val_loss"]),
            "collapsed": self.collapse.found or None,
            "resumed": self.checkpoint.resumed,
        }


def again(settings: TrainerSettings) -> TrainerSettings:
    """With another seed, in place of that of a training that has collapsed."""
    seed = settings.training.seed + _SEEDS_APART
    return settings.model_copy(update={"training": settings.training.model_copy(update={"seed": seed})})


def second_folder(run_dir: Path) -> Path:
    """Of the second attempt, while it is on; made where it is missing."""
    folder = run_dir / _SECOND
    folder.mkdir(exist_ok=True)
    return folder


def better(attempts: Sequence[Attempt], run_dir: Path) -> Attempt:
    """The one to keep, whose files then are in `run_dir` itself."""
    kept = min(attempts, key=lambda attempt: attempt.rank)
    if kept.folder != run_dir:
        (run_dir / _OTHER).mkdir()
        for path in kept.folder.iterdir():
            shutil.move(run_dir / path.name, run_dir / _OTHER)
            shutil.move(path, run_dir)
        kept.folder.rmdir()
    return kept


def collapses(attempts: Sequence[Attempt], kept: Attempt) -> Iterator[str]:
    """What people must be told of attempts that have collapsed."""
    for attempt in attempts:
        if not attempt.collapse.found:
            continue
        text = f"training with seed {attempt.seed} collapsed: {attempt.collapse.found}"
        if attempt is not kept:
            yield f"{text}; of {len(attempts)} trainings, that with seed {kept.seed} is kept"
        elif len(attempts) > 1:
            yield f"{text}, and with another seed it did no better. Lower [training] learning_rate, or look at the data"
        else:
            yield f"{text}. Set [training] retry_collapsed = true, lower learning_rate, or change seed"
