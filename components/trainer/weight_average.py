"""An exponential moving average of the weights, which often validates better than any one of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import keras
import tensorflow as tf

from components.trainer.pace import Pace


class WeightAverage(keras.callbacks.Callback):
    """Averages all weights after each update: what is trained, and with it batch norm's running averages, which would
    fit the weights of the last steps alone.

    After n updates the momentum is at most (1 + n) / (10 + n), as in TensorFlow's `ExponentialMovingAverage`: a short
    training is not averaged with what it began with.
    """

    def __init__(self, momentum: float, pace: Pace, accumulate: int = 1) -> None:
        """`accumulate`: steps that make an update."""
        super().__init__()
        self._momentum = momentum
        self._pace = pace
        self._accumulate = accumulate
        self._updates = 0
        self._averages: list[tf.Variable] = []

    def state(self) -> dict[str, Any]:
        """Number of updates and the averages, in the order of the model's weights; as `restore` takes them."""
        return {"updates": self._updates, "averages": [average.numpy() for average in self._averages]}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Goes on from these, once the training has begun."""
        self._updates = int(state["updates"])
        for average, value in zip(self._averages, state["averages"], strict=True):
            average.assign(value)

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        self._updates = 0
        self._averages = [tf.Variable(weight.numpy(), trainable=False) for weight in self.model.weights]
        self._follow = tf.function(self._followed)

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        # With the last step of all, what is left of the gradients is applied.
        if self._pace.spent.steps % self._accumulate and not self._pace.over:
            return
        self._updates += 1
        momentum = min(self._momentum, (1 + self._updates) / (10 + self._updates))
        self._follow(tf.constant(momentum, tf.float32))

    @contextmanager
    def in_model(self) -> Iterator[None]:
        """Within it, the model has the averages for its weights."""
        kept = self.model.get_weights()
        self.model.set_weights([average.numpy() for average in self._averages])
        try:
            yield
        finally:
            self.model.set_weights(kept)

    def _followed(self, momentum: tf.Tensor) -> None:
        for average, weight in zip(self._averages, self.model.weights, strict=True):
            value: Any = weight.value
            average.assign_sub(tf.cast(1 - momentum, value.dtype) * (average - value))
