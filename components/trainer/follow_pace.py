"""What sets the learning rate of each step, and ends the training where its budget does."""

from __future__ import annotations

import keras
import tensorflow as tf

from components.trainer.optimization import Optimization
from components.trainer.pace import Pace
from components.trainer.schedules import PLATEAU, rate_factor


class FollowPace(keras.callbacks.Callback):
    """The first of the callbacks: the others find the step counted."""

    def __init__(self, pace: Pace, training: Optimization) -> None:
        super().__init__()
        self._pace = pace
        self._training = training
        self.rate = 0.0
        """Of the last step of the last epoch."""

    def on_train_batch_begin(self, batch: int, logs: dict[str, float] | None = None) -> None:
        progress, training = self._pace.begin_step(), self._training
        if training.schedule != PLATEAU:
            factor = rate_factor(training.schedule, training.warm_up, progress)
            self.model.optimizer.learning_rate = training.learning_rate * factor

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        self._pace.end_step()
        if self._pace.over:
            apply_accumulated(self.model, self._pace.spent.steps)
            self.model.stop_training = True

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self.rate = float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate))
        if logs is not None:
            logs["learning_rate"] = self.rate


def apply_accumulated(model: keras.Model, steps: int) -> None:
    """Applies gradients that wait for others to come, after so many steps: as if those had been 0, so that each batch
    counts as much as in every other update."""
    accumulate = model.optimizer.gradient_accumulation_steps or 1
    weights = model.trainable_variables
    for _ in range(-steps % accumulate):
        model.optimizer.apply([tf.zeros_like(weight) for weight in weights], weights)
