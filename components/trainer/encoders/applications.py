"""The encoders of Keras Applications, without their classifiers; each paper is named there."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import keras

from components.errors import UsageError
from components.foreign import foreign
from components.trainer.encoders.weights import Published, load_keras
from components.trainer.models.architecture import MOMENTUM, Features

_HOST = "https://storage.googleapis.com/"
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of ImageNet's red, green and blue."""


class _Application(NamedTuple):
    build: Callable[..., keras.Model]
    pyramid: tuple[str | int, ...]
    """Where the features of each stride are: in the last layer whose name begins so, or in which activation, from 0."""
    preprocess: Callable[[Features], Features]
    url: str
    md5: str
    licence: str
    pads: bool = False
    """Its convolutions and poolings leave borders out, so that sizes are not halved: they are padded instead, with the
    same weights."""


def _caffe(images: Features) -> Features:
    """Blue, green and red of 0..255, less ImageNet's mean."""
    scale, *mean = 255.0, 103.939, 116.779, 123.68
    flipped = keras.ops.flip(images, axis=-1)
    return keras.layers.Rescaling(scale, [-each for each in mean], dtype="float32", name="preprocess")(flipped)


def _signed(images: Features) -> Features:
    """-1..1."""
    return keras.layers.Rescaling(2.0, -1.0, dtype="float32", name="preprocess")(images)


def _bytes(images: Features) -> Features:
    """0..255, which the application itself standardises."""
    return keras.layers.Rescaling(255.0, dtype="float32", name="preprocess")(images)


def _vgg(build: Callable[..., keras.Model], name: str, md5: str) -> _Application:
    pyramid = ("block1_conv2", "block2_conv2", "block3_conv", "block4_conv", "block5_conv", "block5_pool")
    file = f"{name}_weights_tf_dim_ordering_tf_kernels_notop.h5"
    return _Application(
        build, pyramid, _caffe, f"{_HOST}tensorflow/keras-applications/{name}/{file}", md5, "CC BY 4.0"
    )


def _efficientnet(build: Callable[..., keras.Model], letter: str, md5: str) -> _Application:
    pyramid = ("block1", "block2", "block3", "block5", "block7")
    url = f"{_HOST}keras-applications/efficientnet{letter}_notop.h5"
    return _Application(build, pyramid, _bytes, url, md5, "Apache-2.0")


_RESNET = ("conv1_relu", "conv2_block3_out", "conv3_block4_out", "conv4_block6_out", "conv5_block3_out")
_XCEPTION = ("block2_sepconv2_bn", "block3_sepconv2_bn", "block4_sepconv2_bn", "block13_sepconv2_bn", "block14")
_INCEPTION = (2, 4, "mixed2", "mixed7", "mixed10")
_KERNELS = "weights_tf_dim_ordering_tf_kernels_notop.h5"
_OF_KERAS = f"{_HOST}tensorflow/keras-applications"
_APPLICATIONS = {
    "vgg16": _vgg(keras.applications.VGG16, "vgg16", "6d6bbae143d832006294945121d1f1fc"),
    "vgg19": _vgg(keras.applications.VGG19, "vgg19", "253f8cb515780f3b799900260a226db6"),
    "resnet50": _Application(
        *(keras.applications.ResNet50, _RESNET, _caffe, f"{_OF_KERAS}/resnet/resnet50_{_KERNELS}"),
        *("4d473c1dd8becc155b73f8504c6f6626", "MIT"),
    ),
    "xception": _Application(
        *(keras.applications.Xception, _XCEPTION, _signed, f"{_OF_KERAS}/xception/xception_{_KERNELS}"),
        *("b0042744bf5b25fce3cb969f33bebb97", "MIT", True),
    ),
    "inception_v3": _Application(
        *(keras.applications.InceptionV3, _INCEPTION, _signed, f"{_OF_KERAS}/inception_v3/inception_v3_{_KERNELS}"),
        *("bcbd6486424b2319ff4ef7d526e38f63", "Apache-2.0", True),
    ),
    "efficientnet_b0": _efficientnet(keras.applications.EfficientNetB0, "b0", "50bc09e76180e00e4465e1a485ddc09d"),
    "efficientnet_b1": _efficientnet(keras.applications.EfficientNetB1, "b1", "74c4e6b3e1f6a1eea24c589628592432"),
    "efficientnet_b2": _efficientnet(keras.applications.EfficientNetB2, "b2", "111f8e2ac8aa800a7a99e3239f7bfb39"),
    "efficientnet_b3": _efficientnet(keras.applications.EfficientNetB3, "b3", "af6d107764bb5b1abb91932881670226"),
}
