"""Cross-entropy and soft Dice, per image."""

from __future__ import annotations

import keras
from keras import ops

from components.trainer.losses.targets import Tensor, targets


def soft_dice(target: Tensor, probability: Tensor) -> Tensor:
    """(2 sum(y p) + 1) / (sum(y) + sum(p) + 1) of each channel of each image `(N, H, W, C)`; `(N, C)`.

    Summed over an image, not over the batch: in a batch sum large lesions would drown small ones.
    """
    axes = (1, 2)
    return (2 * ops.sum(target * probability, axes) + 1) / (ops.sum(target, axes) + ops.sum(probability, axes) + 1)


def ce_dice(truth: Tensor, probability: Tensor, ignores: bool) -> Tensor:
    """(mean cross-entropy + 1 - soft Dice) / 2 of each image, `(N,)`: of several classes the mean soft Dice of all but
    background.

    Args:
        truth: float32 class indices `(N, H, W, 1)`.
        probability: float32 `(N, H, W, C)`, of one class or of each class index.
        ignores: whether truth may have pixels to be ignored.
    """
    channels = probability.shape[-1]
    target, judged = targets(truth, channels, ignores)
    entropy = keras.losses.binary_crossentropy if channels == 1 else keras.losses.categorical_crossentropy
    cross = _mean(entropy(target, probability), judged)
    if judged is not None:
        probability = probability * judged[..., None]
    dice = soft_dice(target, probability)
    return (cross + 1 - ops.mean(dice if channels == 1 else dice[:, 1:], axis=1)) / 2


def _mean(values: Tensor, judged: Tensor | None) -> Tensor:
    """Of each image `(N, H, W)`, over the pixels that are judged; 0 where none is."""
    if judged is None:
        return ops.mean(values, axis=(1, 2))
    return ops.sum(values * judged, (1, 2)) / ops.maximum(ops.sum(judged, (1, 2)), 1)
