"""The plain encoder: two convolutions a level, halved by the greatest of four."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import keras

from components.trainer.batch_norm import BatchNorm
from components.trainer.models.architecture import MOMENTUM, Features


@dataclass(frozen=True)
class Level:
    """Convolution, activation, [batch norm], dropout, convolution, activation, [batch norm]."""

    filters: int
    kernel: int
    dilation: int
    dropout: float
    batch_norm: bool
    activation: str

    def __call__(self, features: Features) -> Features:
        """`(N, H, W, F)` to `(N, H, W, filters)`."""
        features = self._convolution(features)
        if self.dropout:
            features = keras.layers.Dropout(self.dropout)(features)
        return self._convolution(features)

    def _convolution(self, features: Features) -> Features:
        features = keras.layers.Conv2D(
            self.filters,
            self.kernel,
            padding="same",
            dilation_rate=self.dilation,
            activation=self.activation,
            kernel_initializer="he_normal",
        )(features)
        return BatchNorm(momentum=MOMENTUM)(features) if self.batch_norm else features


def plain_encoder(images: Features, levels: Sequence[Level]) -> list[Features]:
    """The features of each level, finest first: level i has a 2**i-th of the height and width of `(N, H, W, C)`."""
    first, *others = levels
    found = [first(images)]
    for level in others:
        found.append(level(keras.layers.MaxPooling2D(2)(found[-1])))
    return found
