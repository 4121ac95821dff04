"""The training itself: epochs, what is done beside them, and which weights are kept."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras

from components.artifacts import HISTORY_FILE
from components.trainer.batches import TrainingData
from components.trainer.callbacks import History, KeepBest, ReportProgress, StopEarly, StopWhenNotFinite, Validate
from components.trainer.follow_pace import FollowPace
from components.trainer.pace import Pace, pace_of
from components.trainer.schedules import PLATEAU
from components.trainer.settings import Training
from components.trainer.weight_average import WeightAverage


@dataclass(frozen=True)
class Fitted:
    """What a training came to."""

    pace: Pace
    epochs_run: int
    """With the last, which a budget may have cut short."""
    best_epoch: int
    """Whose weights are kept; the first is 1."""
    averaged: bool
    """Whether it is the average of the weights that is kept."""
    final_rate: float
    """Of the last step."""

    def as_json(self) -> dict[str, Any]:
        spent = self.pace.spent
        return {
            "best_epoch": self.best_epoch,
            "kept": f"{'ema of ' if self.averaged else ''}epoch {self.best_epoch}",
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
    validate: Callable[[], dict[str, float]],
    training: Training,
    run_dir: Path,
) -> Fitted:
    """Trains and leaves the weights in the model that `[training] keep` names.

    `validate` tells `loss` and `dice` of the model as it is.
    """
    pace = pace_of(training.epochs, training.budget, data.steps_per_epoch, validate, 2 if training.ema else 1)
    average = WeightAverage(training.ema, pace, training.accumulate) if training.ema else None
    follow, best = FollowPace(pace, training), KeepBest(average, last=training.keep == "last")
    epochs = training.epochs
    if training.budget and training.budget.steps:
        epochs = -(-training.budget.steps // data.steps_per_epoch)
    callbacks = [
        follow,
        *([average] if average else []),
        Validate(validate, pace, average),
        # A failed node loses its own folders; the one of all its runs stays.
        StopWhenNotFinite(data, run_dir.parent.parent),
        # The loss counts images without foreground, which the Dice leaves out: a model that sees lesions
        # everywhere must not win.
        best,
        *_by_validation(training),
        History(str(run_dir / HISTORY_FILE)),
        keras.callbacks.TensorBoard(str(run_dir / "tensorboard"), write_graph=False),
        ReportProgress(epochs, data.steps_per_epoch, training.batch_size, pace),
    ]
    history = model.fit(
        data.batches(),
        epochs=epochs or sys.maxsize,
        steps_per_epoch=data.steps_per_epoch,
        callbacks=callbacks,
        shuffle=False,  # of the batches: the data come shuffled
        verbose=0,
    ).history
    best.restore()
    return Fitted(pace, len(history["loss"]), best.epoch, best.averaged, follow.rate)


def _by_validation(training: Training) -> list[keras.callbacks.Callback]:
    """What the validation decides of the training itself."""
    found = []
    if training.schedule == PLATEAU:
        reduced = {"factor": training.reduce_lr_factor, "patience": training.reduce_lr_patience}
        found.append(keras.callbacks.ReduceLROnPlateau(monitor="val_loss", **reduced))
    if training.early_stopping_patience:
        found.append(StopEarly(monitor="val_loss", patience=training.early_stopping_patience))
    return found
