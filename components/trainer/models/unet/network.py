"""The body of the plain U-Net."""

from __future__ import annotations

import keras

from components.trainer.encoders.plain import Level, plain_encoder
from components.trainer.models.architecture import Features
from components.trainer.models.unet.parameters import UNet


def body(images: Features, parameters: UNet) -> list[Features]:
    """The decoder's features at each level, those at the images' size first.

    Args:
        images: `(N, H, W, C)`, standardised.
        parameters: of the schedules.
    """
    *levels, bridge = (_level(parameters, index) for index in range(parameters.levels))
    *skips, features = plain_encoder(images, [*levels, bridge])
    found: list[Features] = []
    for level, skip in zip(reversed(levels), reversed(skips), strict=True):
        up = keras.layers.Conv2DTranspose(level.filters, 2, strides=2)(features)
        features = level(keras.layers.Concatenate()([up, skip]))
        found.insert(0, features)
    return found


def _level(parameters: UNet, index: int) -> Level:
    """Level `index`, 0 at full resolution."""
    return Level(
        filters=parameters.base_filters * 2**index,
        kernel=max(3, parameters.base_kernel - 2 * index),
        dilation=max(1, parameters.base_dilation - index),
        dropout=parameters.dropout * index,
        normalisation=parameters.normalisation,
        activation=parameters.activation,
    )
