"""The last layer: from features to class probabilities."""

from __future__ import annotations

import math

import keras

from components.task import Task
from components.trainer.models.architecture import Features

_LEAST_SHARE = 0.001


def head(features: Features, task: Task, foreground: float, name: str = "probability") -> Features:
    """float32 probabilities `(N, H, W, task.channels)` of features `(N, H, W, F)`.

    `foreground`, 0 to 1, is the share of foreground pixels to expect, of several classes in equal parts. The bias
    starts there, so that rare foreground need not be learnt first (Lin et al. 2017, arXiv 1708.02002, section 4.1).
    """
    return keras.layers.Conv2D(
        task.channels,
        1,
        activation=task.activation,
        bias_initializer=keras.initializers.Constant(_bias(task, foreground)),
        # Under any precision policy: a half-precision sigmoid saturates and its loss is not finite.
        dtype="float32",
        name=name,
    )(features)


def _bias(task: Task, foreground: float) -> float | list[float]:
    share = min(max(foreground, _LEAST_SHARE), 1 - _LEAST_SHARE)
    if not task.several:
        return math.log(share / (1 - share))
    classes = len(task.classes)
    return [math.log(1 - share), *[math.log(share / classes)] * classes]
