"""Cross-entropy and soft Dice, per image. Truth and prediction are float32 `(N, H, W, 1)` in 0..1."""

from __future__ import annotations

import keras
from keras import ops


def soft_dice(truth: keras.KerasTensor, probability: keras.KerasTensor) -> keras.KerasTensor:
    """(2 sum(y p) + 1) / (sum(y) + sum(p) + 1) of each image, `(N,)`.

    Summed over an image, not over the batch: in a batch sum large lesions would drown small ones.
    """
    axes = (1, 2, 3)
    return (2 * ops.sum(truth * probability, axes) + 1) / (ops.sum(truth, axes) + ops.sum(probability, axes) + 1)


@keras.saving.register_keras_serializable("maskline")
def bce_dice(truth: keras.KerasTensor, probability: keras.KerasTensor) -> keras.KerasTensor:
    """(mean binary cross-entropy + 1 - soft Dice) / 2 of each image, `(N,)`."""
    entropy = ops.mean(keras.losses.binary_crossentropy(truth, probability), axis=(1, 2))
    return (entropy + 1 - soft_dice(truth, probability)) / 2
