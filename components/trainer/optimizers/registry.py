"""The optimizers that `[training] optimizer` may name, by their modules: configs are checked without Keras."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras

OPTIMIZERS = {"adam": "components.trainer.optimizers.adam"}


def optimizer_named(name: str, learning_rate: float, clip_value: float | None) -> keras.Optimizer:
    """A new optimizer; each gradient is cut to -`clip_value`..`clip_value`, None leaves them."""
    return getattr(import_module(OPTIMIZERS[name]), name)(learning_rate, clip_value)
