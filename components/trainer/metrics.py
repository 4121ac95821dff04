"""Metrics watched during training, and a model judged on records as they are."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import keras
import tensorflow as tf
from keras import ops

from components.imaging.truth.classes import IGNORE
from components.task import Task

_THRESHOLD = 0.5
"""By which training is watched, whatever is chosen after it."""

Watch = Callable[[tf.Tensor, tf.Tensor], None]
"""Sees truth and prediction of a batch as class indices `(N, H, W, 1)`, the prediction's uint8."""


class MeanDice(keras.metrics.Metric):
    """Mean over images and classes of Dice between truth and what is predicted; a class that the truth of an image
    does not have is left out there."""

    def __init__(self, task: Task, threshold: float = _THRESHOLD) -> None:
        """`threshold` is the probability from which a pixel is predicted, where there is one class."""
        super().__init__(name="dice")
        self._task = task
        self._threshold = threshold
        self._total = self.add_weight(name="total", initializer="zeros")
        self._cases = self.add_weight(name="cases", initializer="zeros")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Adds a batch: truth as class indices `(N, H, W, 1)` and probabilities `(N, H, W, C)`."""
        indices = ops.arange(1, len(self._task.classes) + 1, dtype="float32")
        truth = ops.cast(ops.equal(y_true, indices), "float32")
        judged = ops.cast(ops.not_equal(y_true, IGNORE), "float32")
        predicted = ops.cast(ops.equal(self.predicted(y_pred), indices), "float32") * judged
        true_pixels = ops.sum(truth, (1, 2))
        dice = 2 * ops.sum(truth * predicted, (1, 2)) / ops.maximum(true_pixels + ops.sum(predicted, (1, 2)), 1)
        counted = ops.cast(true_pixels > 0, "float32")
        self._total.assign_add(ops.sum(dice * counted))
        self._cases.assign_add(ops.sum(counted))

    def predicted(self, probability: Any) -> Any:
        """float32 class indices `(N, H, W, 1)`."""
        if self._task.several:
            return ops.cast(ops.argmax(probability, axis=-1), "float32")[..., None]
        return ops.cast(probability >= self._threshold, "float32")

    def result(self) -> Any:
        return self._total / ops.maximum(self._cases, 1)


class Judge:
    """Loss and Dice of a model in inference mode, each image counting once, whatever batches hold.

    Not by Keras's own evaluation: with several devices that leaves some of them without any image of a small batch,
    which convolutions do not take.
    """

    def __init__(self, model: keras.Model, task: Task) -> None:
        self._model = model
        self._dice = MeanDice(task)
        self._step = tf.function(self._judged, reduce_retracing=True)

    def __call__(self, batches: Iterable[tuple[Any, tf.Tensor]], *watching: Watch) -> dict[str, float]:
        """`loss` and `dice` of images, or images and moments, and their truth."""
        self._dice.reset_state()
        losses = []
        for inputs, truth in batches:
            loss, predicted = self._step(inputs, truth)
            losses.append(loss)
            for watch in watching:
                watch(truth, predicted)
        return {"loss": float(tf.reduce_mean(tf.concat(losses, 0))), "dice": float(self._dice.result())}

    def _judged(self, inputs: Any, truth: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        probability = self._model(inputs, training=False)
        self._dice.update_state(truth, probability)
        return self._model.loss(truth, probability), tf.cast(self._dice.predicted(probability), tf.uint8)
