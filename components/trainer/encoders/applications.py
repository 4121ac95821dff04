"""The encoders of Keras Applications, without their classifiers; each paper is named there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import keras
from keras.src.backend.config import keras_home

from components.errors import UsageError
from components.foreign import foreign
from components.trainer.encoders.weights import Published, load_keras
from components.trainer.models.architecture import MOMENTUM, Features

_HOST = "https://storage.googleapis.com/"
_OF_KERAS = f"{_HOST}tensorflow/keras-applications/"
_KERNELS = "weights_tf_dim_ordering_tf_kernels_notop.h5"
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of ImageNet's red, green and blue, in 0..1."""


class _Family(NamedTuple):
    pyramid: tuple[str | int, ...]
    """Where the features of each stride are: in the last layer whose name begins so, or in the activation so many after
    the first."""
    scale: float
    offset: float | tuple[float, ...]
    """By these natural images become what the weights expect: `scale` x image + `offset`."""
    licence: str
    """Of the weights."""
    bgr: bool = False
    pads: bool = False
    """Its convolutions and poolings leave borders out, by which sizes are not halved: here they do not, with the same
    weights."""


_CAFFE = (255.0, (-103.939, -116.779, -123.68))
"""0..255, less ImageNet's mean blue, green and red."""
_VGG = _Family(
    ("block1_conv2", "block2_conv2", "block3_conv", "block4_conv", "block5_conv", "block5_pool"),
    *(*_CAFFE, "CC BY 4.0", True),
)
_RESNET = _Family(
    ("conv1_relu", "conv2_block3_out", "conv3_block4_out", "conv4_block6_out", "conv5_block3_out"),
    *(*_CAFFE, "MIT", True),
)
_XCEPTION = _Family(
    ("block2_sepconv2_bn", "block3_sepconv2_bn", "block4_sepconv2_bn", "block13_sepconv2_bn", "block14"),
    *(2.0, -1.0, "MIT", False, True),
)
_INCEPTION = _Family((2, 4, "mixed2", "mixed7", "mixed10"), 2.0, -1.0, "Apache-2.0", pads=True)
# Which standardises 0..255 itself.
_EFFICIENTNET = _Family(("block1", "block2", "block3", "block5", "block7"), 255.0, 0.0, "Apache-2.0")


class _Application(NamedTuple):
    build: Callable[..., keras.Model]
    family: _Family
    url: str
    md5: str
    """Of what the URL leads to, as Keras has it."""


_APPLICATIONS = {
    "vgg16": _Application(
        *(keras.applications.VGG16, _VGG, f"{_OF_KERAS}vgg16/vgg16_{_KERNELS}", "6d6bbae143d832006294945121d1f1fc"),
    ),
    "vgg19": _Application(
        *(keras.applications.VGG19, _VGG, f"{_OF_KERAS}vgg19/vgg19_{_KERNELS}", "253f8cb515780f3b799900260a226db6"),
    ),
    "resnet50": _Application(
        *(keras.applications.ResNet50, _RESNET, f"{_OF_KERAS}resnet/resnet50_{_KERNELS}"),
        "4d473c1dd8becc155b73f8504c6f6626",
    ),
    "xception": _Application(
        *(keras.applications.Xception, _XCEPTION, f"{_OF_KERAS}xception/xception_{_KERNELS}"),
        "b0042744bf5b25fce3cb969f33bebb97",
    ),
    "inception_v3": _Application(
        *(keras.applications.InceptionV3, _INCEPTION, f"{_OF_KERAS}inception_v3/inception_v3_{_KERNELS}"),
        "bcbd6486424b2319ff4ef7d526e38f63",
    ),
    **{
        f"efficientnet_{letter}": _Application(
            *(build, _EFFICIENTNET, f"{_HOST}keras-applications/efficientnet{letter}_notop.h5", md5)
        )
        for letter, build, md5 in (
            ("b0", keras.applications.EfficientNetB0, "50bc09e76180e00e4465e1a485ddc09d"),
            ("b1", keras.applications.EfficientNetB1, "74c4e6b3e1f6a1eea24c589628592432"),
            ("b2", keras.applications.EfficientNetB2, "111f8e2ac8aa800a7a99e3239f7bfb39"),
            ("b3", keras.applications.EfficientNetB3, "af6d107764bb5b1abb91932881670226"),
        )
    },
}


def encoder(name: str) -> keras.Model:
    """See `encoders.registry`: five outputs, the first at stride 2, or of VGG six, the first at stride 1."""
    family = _APPLICATIONS[name].family
    images = keras.Input((None, None, 3), name="natural")
    expected = keras.ops.flip(images, axis=-1) if family.bgr else images
    offset = list(family.offset) if isinstance(family.offset, tuple) else family.offset
    expected = keras.layers.Rescaling(family.scale, offset, dtype="float32", name="preprocess")(expected)
    return keras.Model(images, _pyramid(_built(name), family)(expected), name="encoder")


def published(name: str, fetch: bool) -> Published:
    """As Keras keeps it in the user's home, or fetches it there.

    Raises:
        UsageError: it is not there and not to be fetched, or cannot be.
    """
    _, family, url, md5 = _APPLICATIONS[name]
    path = Path(keras_home()) / "models" / url.rpartition("/")[2]
    if fetch:
        with foreign(UsageError, f"{url} could not be fetched", remedy=f"Bring it to {path} from where a network is"):
            keras.utils.get_file(path.name, url, cache_subdir="models", file_hash=md5)
    elif not path.is_file():
        raise UsageError(
            f'encoder = "{name}": its weights are not in {path}, and nothing is fetched unasked. Set fetch = true in '
            f"[model] parameters where a network is, bring {url} to that path, set weights to the path of a file, take "
            'encoder = "efficientnet_lite0", whose weights are installed, or set weights = "none"'
        )
    return Published(path, f"md5:{md5}", {"url": url, "licence": family.licence}, f"Remove {path}, and fetch it anew")


def load(encoder: keras.Model, name: str, path: Path, content: bytes) -> None:
    """Of a file that Keras has saved of the application without its classifier, or has published."""
    whole = _built(name)
    load_keras(whole, path)
    # Built again of the same, for layers without a name of their own have others in each copy.
    same = _pyramid(whole, _APPLICATIONS[name].family)
    for layer in same.layers:
        if layer.weights:
            layer.set_weights(whole.get_layer(layer.name).get_weights())
    encoder.set_weights(same.get_weights())


def _built(name: str) -> keras.Model:
    return _APPLICATIONS[name].build(include_top=False, weights=None, input_shape=(None, None, 3))


def _pyramid(whole: keras.Model, family: _Family) -> keras.Model:
    """From what the weights expect to features at each stride, by layers of the same names."""
    adapted = keras.models.clone_model(whole, clone_function=lambda layer: _adapted(layer, family.pads))
    return keras.Model(adapted.inputs, [_output(adapted, tap) for tap in family.pyramid])


def _adapted(layer: keras.layers.Layer, pads: bool) -> keras.layers.Layer:
    """A layer for short trainings and halved sizes, which takes the same weights."""
    config = layer.get_config()
    if isinstance(layer, keras.layers.Normalization):
        # What EfficientNet's learns of ImageNet is known; it has a further factor only where Keras itself fetches.
        scale, offset = [1 / std for std in _STD], [-mean / std for mean, std in zip(_MEAN, _STD, strict=True)]
        return keras.layers.Rescaling(scale, offset, dtype="float32", name=layer.name)
    if isinstance(layer, keras.layers.Rescaling):
        # Of 256 levels bfloat16 tells the upper ones no longer apart.
        config["dtype"] = "float32"
    if isinstance(layer, keras.layers.BatchNormalization):
        config["momentum"] = MOMENTUM
    if pads and config.get("padding") == "valid":
        config["padding"] = "same"
    return type(layer).from_config(config)


def _output(model: keras.Model, tap: str | int) -> Features:
    if isinstance(tap, int):
        return [layer for layer in model.layers if isinstance(layer, keras.layers.Activation)][tap].output
    return [layer for layer in model.layers if layer.name.startswith(tap)][-1].output
