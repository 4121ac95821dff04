"""The training itself: epochs, what is done beside them, and which weights are kept."""

from __future__ import annotations

from pathlib import Path

import keras

from components.artifacts import HISTORY_FILE
from components.trainer.batches import TrainingData
from components.trainer.callbacks import KeepBest, ReportProgress, StopWhenNotFinite, Validate
from components.trainer.epoch_time import TellEpochTime
from components.trainer.settings import Training


def fit(
    model: keras.Model, data: TrainingData, validate: Validate, training: Training, run_dir: Path
) -> dict[str, list[float]]:
    """Trains and leaves the weights of the epoch with the lowest validation loss in the model."""
    best = KeepBest()
    callbacks = [
        validate,
        # A failed node loses its own folders; the one of all its runs stays.
        StopWhenNotFinite(data, run_dir.parent.parent),
        # The loss counts images without foreground, which the Dice leaves out: a model that sees lesions
        # everywhere must not win.
        best,
        keras.callbacks.ReduceLROnPlateau(
            monitor="val_loss", factor=training.reduce_lr_factor, patience=training.reduce_lr_patience
        ),
        keras.callbacks.EarlyStopping(monitor="val_loss", patience=training.early_stopping_patience),
        keras.callbacks.CSVLogger(str(run_dir / HISTORY_FILE)),
        keras.callbacks.TensorBoard(str(run_dir / "tensorboard"), write_graph=False),
        TellEpochTime(training.epochs, data.steps_per_epoch),
        ReportProgress(training.epochs, data.steps_per_epoch),
    ]
    history = model.fit(
        data.batches(),
        epochs=training.epochs,
        steps_per_epoch=data.steps_per_epoch,
        callbacks=callbacks,
        shuffle=False,  # of the batches: the data come shuffled
        verbose=0,
    ).history
    best.restore()
    return history
