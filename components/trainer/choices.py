"""What a config has chosen from the registries, imported by name: configs are checked without Keras."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

import keras

from components.task import Task
from components.trainer.losses.registry import LOSSES
from components.trainer.metrics import MeanDice
from components.trainer.optimization import Optimization
from components.trainer.optimizers.registry import OPTIMIZERS
from components.trainer.settings import TrainerSettings

Loss = Callable[[Any, Any], Any]
"""Truth, float32 class indices `(N, H, W, 1)`, and probabilities `(N, H, W, C)` to a number per image, `(N,)`."""


def loss_named(name: str, task: Task) -> Loss:
    """The function of a loss."""
    function = getattr(import_module(LOSSES[name]), name)

    def loss(truth: Any, probability: Any) -> Any:
        return function(truth, probability, task.ignores)

    loss.__name__ = name
    return loss


def optimizer_named(training: Optimization) -> keras.Optimizer:
    """A new one, as `[training]` says."""
    name = training.optimizer
    return getattr(import_module(OPTIMIZERS[name]), name)(
        training,
        clipvalue=training.clip_value,
        global_clipnorm=training.clip_norm,
        gradient_accumulation_steps=training.accumulate if training.accumulate > 1 else None,
    )


def compile_model(model: keras.Model, settings: TrainerSettings) -> None:
    """Loss, optimizer and metric of the `[training]` section."""
    training = settings.training
    optimizer = optimizer_named(training)
    loss = loss_named(training.loss, settings.task)
    model.compile(optimizer=optimizer, loss=loss, metrics=[MeanDice(settings.task)])
