"""Adam (Kingma and Ba 2015, arXiv 1412.6980)."""

from __future__ import annotations

from typing import Any

import keras

from components.trainer.optimization import Optimization


def adam(training: Optimization, **shared: Any) -> keras.Optimizer:
    """With Keras's constants: 0.9 and 0.999."""
    return keras.optimizers.Adam(training.learning_rate, **shared)
