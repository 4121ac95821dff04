"""What a config has chosen from the registries, imported by name: configs are checked without Keras."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

import keras

from components.trainer.losses.registry import LOSSES
from components.trainer.optimizers.registry import OPTIMIZERS


def loss_named(name: str) -> Callable[[Any, Any], Any]:
    """The function of a loss: truth and probabilities `(N, H, W, 1)` to one number for each image, `(N,)`."""
    return getattr(import_module(LOSSES[name]), name)


def optimizer_named(name: str, learning_rate: float, clip_value: float | None) -> keras.Optimizer:
    """A new optimizer; each gradient is cut to -`clip_value`..`clip_value`, None leaves them."""
    return getattr(import_module(OPTIMIZERS[name]), name)(learning_rate, clip_value)
