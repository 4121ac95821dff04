"""The training itself: epochs, what is done beside them, and which weights are kept."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import keras

from components.artifacts import HISTORY_FILE
from components.trainer.batches import TrainingData
from components.trainer.callbacks import KeepBest, ReportProgress, StopWhenNotFinite, Validate
from components.trainer.checkpoint import Attributes, Checkpoint
from components.trainer.collapse import Collapse
from components.trainer.settings import Training
from components.trainer.strips import Strips


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


def fit(
    model: keras.Model, data: TrainingData, validate: Validate, training: Training, run_dir: Path, beside: Beside
) -> Checkpoint:
    """Trains and leaves the weights of the epoch with the lowest validation loss in the model.

    Returns:
        What has the history of all epochs, those of earlier processes among them.
    """
    best = KeepBest()
    plateau = keras.callbacks.ReduceLROnPlateau(
        monitor="val_loss", factor=training.reduce_lr_factor, patience=training.reduce_lr_patience
    )
    stopping = keras.callbacks.EarlyStopping(monitor="val_loss", patience=training.early_stopping_patience)
    checkpoint = Checkpoint(
        beside.checkpoint,
        {
            "best": Attributes(best, "_lowest", "_state"),
            "plateau": Attributes(plateau, "wait", "best", "cooldown_counter"),
            "stopping": Attributes(stopping, "wait", "best", "stopped_epoch", "best_epoch"),
            "collapse": beside.collapse,
            "strips": beside.strips,
        },
        run_dir / HISTORY_FILE,
        run_dir / "tensorboard",
        beside.room,
    )
    validate.watching += [beside.collapse.saw, beside.strips.saw]
    callbacks = [
        validate,
        StopWhenNotFinite(data, beside.folder),
        # The loss counts images without foreground, which the Dice leaves out: a model that sees lesions
        # everywhere must not win.
        best,
        plateau,
        stopping,
        beside.collapse,
        beside.strips,
        keras.callbacks.CSVLogger(str(run_dir / HISTORY_FILE), append=True),
        keras.callbacks.TensorBoard(str(run_dir / "tensorboard"), write_graph=False),
        ReportProgress(training.epochs, data.steps_per_epoch),
        checkpoint,
    ]
    begin = checkpoint.begin(model, training.epochs, data.steps_per_epoch)
    model.fit(
        data.batches(begin),
        epochs=training.epochs,
        initial_epoch=begin,
        steps_per_epoch=data.steps_per_epoch,
        callbacks=callbacks,
        shuffle=False,  # of the batches: the data come shuffled
        verbose=0,
    )
    best.restore()
    return checkpoint
