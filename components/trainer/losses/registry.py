"""The losses that `[training] loss` may name, by their modules: configs are checked without Keras."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

LOSSES = {"bce_dice": "components.trainer.losses.bce_dice"}


def loss_named(name: str) -> Callable[[Any, Any], Any]:
    """The function of a loss: truth and probabilities `(N, H, W, 1)` to one number for each image, `(N,)`."""
    return getattr(import_module(LOSSES[name]), name)
