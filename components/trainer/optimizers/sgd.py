"""Stochastic gradient descent with Nesterov's momentum, as nnU-Net trains."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from components.trainer.optimization import Optimization

_DECAY = 3e-5


def sgd(training: Optimization, **shared: Any) -> keras.Optimizer:
    """The decay of the weights, 3e-5 where none is set, is a part of their gradient."""
    decay = _DECAY if training.weight_decay is None else training.weight_decay
    return _Nesterov(training.learning_rate, training.momentum, decay, **shared)


class _Nesterov(keras.optimizers.SGD):
    """As PyTorch has it: the rate is that of the step, and no part of the velocity.

    Keras's velocity is made of steps at the rates of their time: with a momentum of 0.99 a rate that has come down acts
    only a hundred steps later.
    """

    def __init__(self, learning_rate: float, momentum: float, decay: float, **shared: Any) -> None:
        super().__init__(learning_rate, momentum=momentum, nesterov=True, name="sgd", **shared)
        self._decay = decay

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        velocity = self.momentums[self._get_variable_index(variable)]
        gradient = ops.cast(gradient, variable.dtype) + self._decay * variable
        moved = self.momentum * velocity + gradient
        self.assign(velocity, moved)
        self.assign_sub(variable, ops.cast(learning_rate, variable.dtype) * (gradient + self.momentum * moved))
