"""The training itself: epochs, what is done beside them, and which weights are kept."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras

from components.artifacts import HISTORY_FILE
from components.trainer.batches import TrainingData
from components.trainer.callbacks import (
    History,
    KeepBest,
    ReportProgress,
    StopEarly,
    StopWhenNotFinite,
    Validate,
    Validation,
)
from components.trainer.checkpoint import Attributes, Checkpoint, Resumable
from components.trainer.collapse import Collapse
from components.trainer.epoch_time import TellEpochTime
from components.trainer.follow_pace import FollowPace
from components.trainer.pace import Pace, pace_of
from components.trainer.schedules import PLATEAU
from components.trainer.settings import Training
from components.trainer.strips import Strips
from components.trainer.weight_average import WeightAverage


@dataclass(frozen=True)
class Beside:
    """What is watched and kept while training is on; it may come from an earlier process, and go on there."""

    collapse: Collapse
    strips: Strips
    folder: Path
    """That of all runs of the node: a failed node loses its own."""
    checkpoint: Path
    room: int
    """Bytes that a checkpoint must leave free."""


@dataclass(frozen=True)
class Fitted:
    """What a training came to."""

    pace: Pace
    best: KeepBest
    checkpoint: Checkpoint
    final_rate: float
    """Of the last step."""

    @property
    def epochs_run(self) -> int:
        """With those of earlier processes, and the last, which a budget may have cut short."""
        return self.checkpoint.epochs

    def as_json(self) -> dict[str, Any]:
        spent = self.pace.spent
        return {
            "best_epoch": self.best.epoch,
            "kept": f"{'ema of ' if self.best.averaged else ''}epoch {self.best.epoch}",
            "epochs_run": self.epochs_run,
            "stopped_early": not self.pace.over,
            "steps": spent.steps,
            "final_learning_rate": self.final_rate,
            "seconds_training": round(spent.training, 2),
            "seconds_validation": round(spent.validation, 2),
        }


def fit(
    model: keras.Model,
    data: TrainingData,
    validate: Validation,
    training: Training,
    run_dir: Path,
    beside: Beside,
) -> Fitted:
    """Trains and leaves the weights in the model that `[training] keep` names.

    `validate` tells of the model as it is.
    """
    pace = pace_of(training.epochs, training.budget, data.steps_per_epoch, validate, 2 if training.ema else 1)
    average = WeightAverage(training.ema, pace, training.accumulate) if training.ema else None
    follow, best = FollowPace(pace, training), KeepBest(average, last=training.keep == "last")
    by_validation = _by_validation(training)
    parts: dict[str, Resumable] = {
        "pace": pace,
        "rate": Attributes(follow, "rate"),
        "best": Attributes(best, "lowest", "_state", "epoch", "averaged"),
        "collapse": beside.collapse,
        "strips": beside.strips,
        **({"average": average} if average else {}),
        **{name: Attributes(callback, *_STATES[name]) for name, callback in by_validation.items()},
    }
    checkpoint = Checkpoint(beside.checkpoint, parts, run_dir / HISTORY_FILE, run_dir / "tensorboard", beside.room)
    epochs = training.epochs
    if training.budget and training.budget.steps:
        epochs = -(-training.budget.steps // data.steps_per_epoch)
    report = ReportProgress(epochs, data.steps_per_epoch, training.batch_size, pace)
    callbacks = [
        follow,
        *([average] if average else []),
        Validate(validate, pace, average, [beside.collapse.saw, beside.strips.saw]),
        StopWhenNotFinite(data, beside.folder),
        # The loss counts images without foreground, which the Dice leaves out: a model that sees lesions
        # everywhere must not win.
        best,
        *by_validation.values(),
        beside.collapse,
        beside.strips,
        History(str(run_dir / HISTORY_FILE), append=True),
        keras.callbacks.TensorBoard(str(run_dir / "tensorboard"), write_graph=False),
        TellEpochTime(epochs, data.steps_per_epoch),
        report,
        checkpoint,
    ]
    begin = checkpoint.begin(model, epochs)
    if 0 < begin < (epochs or sys.maxsize):
        report.go_on(begin)
    model.fit(
        data.batches(begin),
        epochs=epochs or sys.maxsize,
        initial_epoch=begin,
        steps_per_epoch=data.steps_per_epoch,
        callbacks=callbacks,
        shuffle=False,  # of the batches: the data come shuffled
        verbose=0,
    )
    best.restore()
    return Fitted(pace, best, checkpoint, follow.rate)


_STATES: Mapping[str, tuple[str, ...]] = {
    "plateau": ("wait", "best", "cooldown_counter"),
    "stopping": ("wait", "best", "stopped_epoch", "best_epoch"),
}
"""Attributes of Keras's callbacks that the next epoch depends on."""


def _by_validation(training: Training) -> dict[str, keras.callbacks.Callback]:
    """What the validation decides of the training itself."""
    found: dict[str, keras.callbacks.Callback] = {}
    if training.schedule == PLATEAU:
        reduced = {"factor": training.reduce_lr_factor, "patience": training.reduce_lr_patience}
        found["plateau"] = keras.callbacks.ReduceLROnPlateau(monitor="val_loss", **reduced)
    if training.early_stopping_patience:
        found["stopping"] = StopEarly(monitor="val_loss", patience=training.early_stopping_patience)
    return found
