"""What training does beside training."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any, TypeGuard

import keras
import numpy as np

from components.errors import MasklineError
from components.trainer.batches import TrainingData
from components.trainer.budget import duration
from components.trainer.metrics import Watch
from components.trainer.pace import Pace
from components.trainer.weight_average import WeightAverage

PROGRESS = logging.getLogger("maskline.progress")
"""Records carry the attribute `progress`, a dict: whoever shows a bar attaches a handler here."""


Validation = Callable[..., dict[str, float]]
"""Called with those who watch, tells `loss` and `dice` of the validation records."""


class TrainingDiverged(MasklineError):
    """The loss is no longer a finite number."""


class ReportProgress(keras.callbacks.Callback):
    """Tells `PROGRESS` each step, and each epoch that was validated with its Dice.

    How far the training is: `epoch` of `epochs`, None where as many are trained as time allows; `step` of its `steps`;
    `progress` 0..1; `images_per_second` and `seconds_left`, None at first.
    """

    def __init__(self, epochs: int | None, steps: int, batch_size: int, pace: Pace) -> None:
        super().__init__()
        self._batch_size = batch_size
        self._pace = pace
        self._state: dict[str, Any] = {
            **{"epoch": 0, "epochs": epochs, "step": 0, "steps": steps},
            **{"progress": 0.0, "images_per_second": None, "seconds_left": None},
        }

    def go_on(self, epoch: int) -> None:
        """Tells that a training which was killed begins with an epoch, counted from 0."""
        of = f" of {self._state['epochs']}" if self._state["epochs"] else ""
        told = f"goes on from epoch {epoch + 1}{of}"
        progress = {**self._state, "epoch": epoch + 1, "notice": told}
        PROGRESS.info("training %s", told, extra={"progress": progress})

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self._state |= {"epoch": epoch + 1, "step": 0}

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        seconds = self._pace.step_seconds
        self._state |= {
            "step": batch + 1,
            "progress": self._pace.progress,
            "images_per_second": self._batch_size / seconds if seconds else None,
            "seconds_left": self._pace.seconds_left,
        }
        PROGRESS.debug("step", extra={"progress": dict(self._state)})

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        if not validated(logs):
            return
        self._state |= {name: value for name, value in logs.items() if name.startswith("val_")}
        PROGRESS.info("%s", self._told(logs), extra={"progress": dict(self._state)})

    def _told(self, logs: dict[str, float]) -> str:
        epochs, speed, left = (self._state.get(name) for name in ("epochs", "images_per_second", "seconds_left"))
        return (
            f"epoch {self._state['epoch']}{f'/{epochs}' if epochs else ''}: loss {logs['loss']:.4f}, "
            f"validation loss {logs['val_loss']:.4f}, validation Dice {logs['val_dice']:.4f}"
            + (f", of the averaged weights {logs['val_ema_dice']:.4f}" if "val_ema_dice" in logs else "")
            + (f", {speed:.0f} images/s" if speed else "")
            + (f", {duration(left)} left" if left is not None else "")
        )


def validated(logs: dict[str, float] | None) -> TypeGuard[dict[str, float]]:
    """Whether an epoch was validated: in a training to a budget not each one is."""
    return logs is not None and "val_loss" in logs


class Validate(keras.callbacks.Callback):
    """Adds the validation, where it is due, to what the callbacks after it are told of an epoch, as `val_loss` and so
    on; that of the averaged weights as `val_ema_loss`."""

    def __init__(
        self, validate: Validation, pace: Pace, average: WeightAverage | None, watching: Sequence[Watch] = ()
    ) -> None:
        """`watching` see what the weights themselves predict, not their average."""
        super().__init__()
        self._validate = validate
        self._pace = pace
        self._average = average
        self._watching = watching

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        if logs is None or not (self._pace.over or self._pace.validation_due):
            return
        logs.update({f"val_{name}": value for name, value in self._validate(*self._watching).items()})
        if self._average:
            with self._average.in_model():
                logs.update({f"val_ema_{name}": value for name, value in self._validate().items()})
        self._pace.end_validation()


class KeepBest(keras.callbacks.Callback):
    """Keeps the state of the epoch with the lowest validation loss: in memory, because HDF5, in which Keras writes it,
    kills the process where the disk is full."""

    def __init__(self, average: WeightAverage | None = None, last: bool = False) -> None:
        """`average`: weights that are validated as well; `last`: of the last validation, whatever were before."""
        super().__init__()
        self._average = average
        self._last = last
        self.lowest = math.inf
        """Validation loss of the weights that are kept."""
        self._state: list[np.ndarray] = []
        self.epoch = 0
        """Whose weights are kept; the first is 1."""
        self.averaged = False

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        if not validated(logs):
            return
        raw, average = logs["val_loss"], logs.get("val_ema_loss", math.inf)
        if self._last or min(raw, average) < self.lowest:
            self.lowest, self.epoch, self.averaged = min(raw, average), epoch + 1, average < raw
            with self._average.in_model() if self._average and self.averaged else nullcontext():
                self._state = [variable.numpy() for variable in self._variables()]

    def restore(self) -> None:
        """Gives weights and optimizer the kept state."""
        for variable, value in zip(self._variables(), self._state, strict=True):
            variable.assign(value)

    def _variables(self) -> list[keras.Variable]:
        return [*self.model.weights, *self.model.optimizer.variables]


class _OfValidated(keras.callbacks.Callback):
    """Epochs that were not validated do not count."""

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        if validated(logs):
            super().on_epoch_end(epoch, logs)


class History(_OfValidated, keras.callbacks.CSVLogger):
    """A row for each validation: the number of the epoch, from 0, and what is known of it."""


class StopEarly(_OfValidated, keras.callbacks.EarlyStopping):
    """Where the validation loss has not fallen for so many validations."""

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        super().on_train_begin(logs)
        self.best = math.inf  # Keras begins with None, which no checkpoint can hold.


class StopWhenNotFinite(keras.callbacks.Callback):
    """Stops the run at the first loss that is not finite and keeps the batch that caused it."""

    def __init__(self, data: TrainingData, folder: Path) -> None:
        super().__init__()
        self._data = data
        self._folder = folder
        self._epoch = self._step = 0

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        self._step = batch
        # Of several devices Keras tells the first one's loss.
        several = self.model.distribute_strategy.num_replicas_in_sync > 1
        told = self.model.get_metrics_result() if several else logs or {}
        self._check("loss", float(told["loss"]), batch)

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        # The last step may break the weights after its own loss was taken.
        if validated(logs):
            self._check("validation loss", logs["val_loss"], self._step)

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
