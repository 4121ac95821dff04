"""Their U-Net of five levels, and their loss."""

from __future__ import annotations

import keras
import tensorflow as tf
from keras import layers

LEVELS = 5
_SMOOTH = 1.0


def network(size: tuple[int, int], channels: int, classes: int = 1, filters: int = 16) -> keras.Model:
    """1,947,153 parameters of 16 filters, one channel and one class.

    Args:
        size: height and width, multiples of 16.
        channels: of the images, 0..1.
        classes: of one the answer is its probability, by a sigmoid. Of several it is that of each, background first, by
            a softmax: their loader can make such masks, of which they trained none.
        filters: of the first level.
    """
    given = keras.Input((*size, channels))
    skips, seen = [], given
    for level in range(LEVELS - 1):
        skips.append(_unit(seen, filters << level))
        seen = layers.Dropout(0.5)(layers.MaxPooling2D()(skips[-1]))
    seen = _unit(seen, filters << (LEVELS - 1))
    for level in reversed(range(LEVELS - 1)):
        # The deepest has no normalisation.
        up = _convolved(layers.UpSampling2D()(seen), filters << level, 2, normalised=level < LEVELS - 2)
        joined = layers.Concatenate()([skips[level], up])
        seen = _unit(layers.Dropout(0.5)(joined), filters << level)
    several = classes > 1
    answer = layers.Conv2D(1 + classes if several else 1, 1, activation="softmax" if several else "sigmoid")(seen)
    return keras.Model(given, answer)


def dice_loss(truth: tf.Tensor, predicted: tf.Tensor) -> tf.Tensor:
    """1 less the soft Dice of the flattened batch."""
    truth = tf.cast(truth, predicted.dtype)
    both, either = tf.reduce_sum(truth * predicted), tf.reduce_sum(truth) + tf.reduce_sum(predicted)
    return 1 - (2 * both + _SMOOTH) / (either + _SMOOTH)


def _unit(seen: keras.KerasTensor, filters: int) -> keras.KerasTensor:
    return _convolved(_convolved(seen, filters, 3), filters, 3)


def _convolved(seen: keras.KerasTensor, filters: int, side: int, normalised: bool = True) -> keras.KerasTensor:
    seen = layers.Conv2D(filters, side, padding="same", kernel_initializer="he_normal")(seen)
    return layers.ReLU()(layers.BatchNormalization()(seen) if normalised else seen)
