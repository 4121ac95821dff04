"""What is trained, validated, saved and exported: standardisation, network and head, in one model."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import keras
import tensorflow as tf

from components.serving_graph.preprocessing import Standardize
from components.task import Task
from components.trainer.augmentation import change_on_device
from components.trainer.heads import head
from components.trainer.models.architecture import Features
from components.trainer.models.registry import network_module
from components.trainer.settings import Model


@keras.saving.register_keras_serializable("maskline")
class Segmenter(keras.Model):
    """From images float32 `(N, H, W, C)` in 0..1 to probabilities float32 `(N, H, W, task.channels)`.

    Images come alone and are standardised by their own moments, or with those of what they are a part of: a pair of
    images and `(N, 2)`, mean and standard deviation. Batches may hold a third tensor, what `change_on_device` must do
    in training. Any height and width is taken that the architecture takes.
    """

    def __init__(self, network: keras.Model, **kwargs: Any) -> None:
        """`network`, which has the name of its architecture, goes from standardised images to probabilities."""
        # Under any precision policy: half precision would lose dark images.
        super().__init__(**{"dtype": "float32", **kwargs})
        self.network = network
        self.standardize = Standardize(name="standardize", dtype="float32")
        self.built = True  # as the network is

    def call(self, inputs: Any, training: bool = False) -> tf.Tensor:
        images, moments = inputs if isinstance(inputs, tuple | list) else (inputs, None)
        return self.network(self.standardize(images, moments), training=training)

    def train_step(self, data: tuple[Any, ...]) -> dict[str, tf.Tensor]:
        inputs, truth, draws = data if len(data) == 3 else (*data, None)
        inputs, truth = (inputs, truth) if draws is None else change_on_device(inputs, truth, draws)
        return super().train_step((self._for_step(inputs), truth))

    def _for_step(self, inputs: Any) -> Any:
        """What `call` gets in a step of training, of what a batch holds."""
        return inputs

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name, "network": keras.saving.serialize_keras_object(self.network)}

    def get_compile_config(self) -> None:
        """None: how it was trained stands in `training.json`, and whoever trains it further says how."""

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Segmenter:
        # An architecture may have layers of its own, which Keras knows once its module is there.
        import_module(network_module(config["network"]["config"]["name"]))
        network = keras.saving.deserialize_keras_object(config["network"], custom_objects=custom_objects)
        return cls(network, name=config["name"])


def build_segmenter(channels: int, model: Model, task: Task, foreground: float = 0.5) -> Segmenter:
    """The architecture of the `[model]` section for a task.

    Args:
        channels: of the images.
        model: architecture and parameters.
        task: classes.
        foreground: share of foreground pixels to expect.
    """
    images, (features, *_) = body_of(channels, model)
    network = keras.Model(images, head(features, task, foreground), name=model.architecture)
    return Segmenter(network, name="segmenter")


def body_of(channels: int, model: Model) -> tuple[Features, list[Features]]:
    """The input of an architecture, and the features of its body, finest first."""
    images = keras.Input((None, None, channels), name="image")
    return images, import_module(network_module(model.architecture)).body(images, model.built)
