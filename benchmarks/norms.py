"""What normalisation costs: a step of training of the plain U-Net by each, in processor time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import keras
import numpy as np

from benchmarks._timing import processor_seconds, ratio
from components.task import Task
from components.trainer.choices import loss_named
from components.trainer.norms import GroupNorm
from components.trainer.segmenter import Segmenter, build_segmenter
from components.trainer.settings import Model

_SHAPE, _ROUNDS = (2, 256, 256, 1), 5


def measure() -> Iterator[str]:
    """Yields ratios of the times of a step, taken in turn."""
    batch = _step(_segmenter("batch"))
    for name in ("group", "instance"):
        ours = _segmenter(name)
        step, kerass = _step(ours), _step(Segmenter(_by_keras(ours.network)))
        yield f"{name} norm over batch norm: {ratio(step, batch, _ROUNDS, processor_seconds)}"
        yield f"{name} norm by Keras over ours: {ratio(kerass, step, _ROUNDS, processor_seconds)}"


def _segmenter(normalisation: str) -> Segmenter:
    return build_segmenter(1, Model(parameters={"normalisation": normalisation}), Task())


def _by_keras(network: keras.Model) -> keras.Model:
    """The same network with Keras's own layers."""

    def other(layer: Any) -> Any:
        if isinstance(layer, GroupNorm):
            return keras.layers.GroupNormalization(layer.groups)
        return layer.__class__.from_config(layer.get_config())

    return keras.models.clone_model(network, clone_function=other)


def _step(model: Segmenter) -> Callable[[], object]:
    """A step that has been traced."""
    model.compile(keras.optimizers.Adam(1e-4), loss=loss_named("ce_dice", Task()))
    images = np.random.default_rng(0).random(_SHAPE, np.float32)
    step = partial(model.train_on_batch, images, (images > 0.8).astype(np.float32))
    step()
    return step
