"""Adam (Kingma and Ba 2015, arXiv 1412.6980)."""

from __future__ import annotations

import keras


def adam(learning_rate: float, clip_value: float | None) -> keras.Optimizer:
    """With Keras's constants: 0.9 and 0.999."""
    return keras.optimizers.Adam(learning_rate, clipvalue=clip_value)
