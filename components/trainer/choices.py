"""What a config has chosen from the registries, imported by name: configs are checked without Keras."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

import keras

from components.task import Task
from components.trainer.losses.registry import LOSSES
from components.trainer.optimizers.registry import OPTIMIZERS

Loss = Callable[[Any, Any], Any]
"""Truth, float32 class indices `(N, H, W, 1)`, and probabilities `(N, H, W, C)` to a number per image, `(N,)`."""


def loss_named(name: str, task: Task) -> Loss:
    """The function of a loss."""
    function = getattr(import_module(LOSSES[name]), name)

    def loss(truth: Any, probability: Any) -> Any:
        return function(truth, probability, task.ignores)

    loss.__name__ = name
    return loss


def optimizer_named(name: str, learning_rate: float, clip_value: float | None) -> keras.Optimizer:
    """A new optimizer; each gradient is cut to -`clip_value`..`clip_value`, None leaves them."""
    return getattr(import_module(OPTIMIZERS[name]), name)(learning_rate, clip_value)
