"""What training does beside training."""

from __future__ import annotations

import logging
import math
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from components.errors import MasklineError
from components.trainer.batches import TrainingData
from components.trainer.metrics import Judge, Watch

PROGRESS = logging.getLogger("maskline.progress")
"""Records carry the attribute `progress`, a dict: whoever shows a bar attaches a handler here."""


class TrainingDiverged(MasklineError):
    """The loss is no longer a finite number."""


class ReportProgress(keras.callbacks.Callback):
    """Tells `PROGRESS` each step, and each epoch with its validation Dice."""

    def __init__(self, epochs: int, steps: int) -> None:
        super().__init__()
        self._state: dict[str, Any] = {"epoch": 0, "epochs": epochs, "step": 0, "steps": steps}

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self._state |= {"epoch": epoch + 1, "step": 0}

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        self._state["step"] = batch + 1
        PROGRESS.debug("step", extra={"progress": dict(self._state)})

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        logs = logs or {}
        self._state |= {"val_dice": logs["val_dice"], "val_loss": logs["val_loss"]}
        PROGRESS.info(
            "epoch %d/%d: loss %.4f, validation loss %.4f, validation Dice %.4f",
            epoch + 1,
            self._state["epochs"],
            logs["loss"],
            logs["val_loss"],
            logs["val_dice"],
            extra={"progress": dict(self._state)},
        )


class Validate(keras.callbacks.Callback):
    """Adds the validation to what the callbacks after it are told of an epoch."""

    def __init__(self, judge: Judge, validation: tf.data.Dataset) -> None:
        super().__init__()
        self._judge = judge
        self._validation = validation
        self.watching: list[Watch] = []

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        found = self._judge(self._validation, *self.watching)
        (logs if logs is not None else {}).update({f"val_{name}": value for name, value in found.items()})


class KeepBest(keras.callbacks.Callback):
    """Keeps the state of the epoch with the lowest validation loss: in memory, because HDF5, in which Keras writes it,
    kills the process where the disk is full."""

    def __init__(self) -> None:
        super().__init__()
        self._lowest = math.inf
        self._state: list[np.ndarray] = []

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        if (loss := (logs or {})["val_loss"]) < self._lowest:
            self._lowest = loss
            self._state = [variable.numpy() for variable in self._variables()]

    def restore(self) -> None:
        """Gives weights and optimizer the kept state."""
        for variable, value in zip(self._variables(), self._state, strict=True):
            variable.assign(value)

    def _variables(self) -> list[keras.Variable]:
        return [*self.model.weights, *self.model.optimizer.variables]


class StopWhenNotFinite(keras.callbacks.Callback):
    """Stops the run at the first loss that is not finite and keeps the batch that caused it."""

    def __init__(self, data: TrainingData, folder: Path) -> None:
        super().__init__()
        self._data = data
        self._folder = folder
        self._epoch = 0

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        # Of several devices Keras tells the first one's loss.
        several = self.model.distribute_strategy.num_replicas_in_sync > 1
        told = self.model.get_metrics_result() if several else logs or {}
        self._check("loss", float(told["loss"]), batch)

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        # The last step may break the weights after its own loss was taken.
        self._check("validation loss", (logs or {})["val_loss"], self._data.steps_per_epoch - 1)

    def _check(self, name: str, loss: float, step: int) -> None:
        if math.isfinite(loss):
            return
        images, masks = self._data.batch(self._epoch, step)
        path = self._folder / f"nonfinite_batch_epoch{self._epoch + 1}_step{step + 1}.npz"
        np.savez_compressed(path, images=images, masks=masks)
        raise TrainingDiverged(
            f"training: the {name} is {loss} in epoch {self._epoch + 1}, step {step + 1}. The batch is kept in "
            f"{path}. Lower [training] learning_rate, or set clip_value."
        )
