"""Adam with decoupled weight decay (Loshchilov and Hutter 2019, arXiv 1711.05101)."""

from __future__ import annotations

from typing import Any

import keras

from components.trainer.optimization import Optimization

_DECAY = 0.01
_UNDECAYED = ["bias", "gamma", "beta"]
"""Shifts and scales, in which there is nothing to fit too closely."""


def adamw(training: Optimization, **shared: Any) -> keras.Optimizer:
    """In each update kernels lose the share `learning_rate` x `weight_decay`, 0.01 where none is set."""
    decay = _DECAY if training.weight_decay is None else training.weight_decay
    optimizer = keras.optimizers.AdamW(training.learning_rate, weight_decay=decay, **shared)
    optimizer.exclude_from_weight_decay(var_names=_UNDECAYED)
    return optimizer
