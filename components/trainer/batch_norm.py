"""Batch norm in one kernel."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable("maskline")
class BatchNorm(keras.layers.BatchNormalization):
    """Keras's own, with its numbers up to rounding, where TensorFlow trains: Keras 3 takes moments and products there
    one by one, and their gradients too, in more time than the convolution before them has.

    Of features `(N, H, W, F)`. Moments and averages are float32 under any precision policy.
    """

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        if not (training and self.trainable and keras.backend.backend() == "tensorflow"):
            return super().call(inputs, training=training, mask=mask)
        normed, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
            x=inputs,
            scale=self.gamma,
            offset=self.beta,
            mean=tf.zeros(0),
            variance=tf.zeros(0),
            epsilon=self.epsilon,
            is_training=True,
        )
        # The kernel tells the variance of a sample, Keras averages that of a population.
        count = tf.cast(tf.size(inputs) // tf.shape(inputs)[-1], tf.float32)
        for average, found in ((self.moving_mean, mean), (self.moving_variance, variance * (count - 1) / count)):
            average.assign(average * self.momentum + found * (1.0 - self.momentum))
        return normed
