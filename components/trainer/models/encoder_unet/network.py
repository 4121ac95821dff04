"""The body of the U-Net over an encoder, and where the encoder's weights come from."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import keras

from components.trainer.batch_norm import BatchNorm
from components.trainer.encoders.registry import ENCODERS
from components.trainer.encoders.weights import give_weights
from components.trainer.models.architecture import MOMENTUM, Features
from components.trainer.models.encoder_unet.parameters import EncoderUNet

_MEAN, _STD = 0.449, 0.226
"""Of all pixels of ImageNet, in 0..1, over the three colours: what is gray stays gray."""
_MOST = 3
"""Doublings of the decoder's filters."""


def body(images: Features, parameters: EncoderUNet) -> list[Features]:
    """The decoder's features at the images' size.

    Args:
        images: `(N, H, W, C)`, standardised, of one or three channels.
        parameters: the encoder's name, the decoder's filters.
    """
    encoder = import_module(ENCODERS[parameters.encoder]).encoder(parameters.encoder)
    colour = images if images.shape[-1] == 3 else keras.layers.Concatenate(name="colour")([images] * 3)
    natural = keras.layers.Rescaling(_STD, _MEAN, dtype="float32", name="natural")(colour)
    # Encoders without features at the images' size leave these themselves.
    *skips, features = [images, *encoder(natural)][-6:]
    for level, skip in reversed([*enumerate(skips)]):
        filters = parameters.decoder_filters * 2 ** min(level, _MOST)
        features = keras.layers.Concatenate()([keras.layers.UpSampling2D(2)(features), skip])
        features = _convolved(_convolved(features, filters), filters)
    return [features]


def pretrained(network: keras.Model, parameters: EncoderUNet) -> dict[str, Any]:
    """Gives the encoder in `network` its weights; see `encoders.weights.give_weights`."""
    encoder = network.get_layer("encoder")
    return give_weights(encoder, parameters.encoder, parameters.weights, parameters.fetch)


def _convolved(features: Features, filters: int) -> Features:
    features = keras.layers.Conv2D(filters, 3, padding="same", use_bias=False, kernel_initializer="he_normal")(features)
    return keras.layers.ReLU()(_norm()(features))


def _norm() -> keras.layers.Layer:
    return BatchNorm(momentum=MOMENTUM)
