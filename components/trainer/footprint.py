"""What a training step needs of memory, told from the network before the first one."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import tensorflow as tf

from components.errors import UsageError
from components.machine import accelerator_memory
from components.memory import Free, free_memory

_LOG = logging.getLogger("maskline.trainer")
_MEASURED = 1.4
"""Peak over what gradients need, measured with ReLU on a processor: 1.3 to 1.9; with mish 2.8."""
_LEAST_COPIES = 2
"""Of the weights: their gradients, and the best epoch's."""
_COPIES = 6
"""With Adam's two averages, and those of the best epoch."""
Shape = tuple[int, ...]


@dataclass(frozen=True)
class Footprint:
    """Bytes that training takes beyond a model that is built."""

    image: int
    """What the gradients of a step need of each image: the inputs of all layers with weights."""
    weights: int

    def least(self, batch_size: int) -> int:
        """No training takes less."""
        return batch_size * self.image + _LEAST_COPIES * self.weights

    def likely(self, batch_size: int) -> float:
        """What one on a processor was seen to take."""
        return _MEASURED * batch_size * self.image + _COPIES * self.weights

    def largest_batch(self, free: float) -> int:
        """The number of images that `least` leaves room for; 0 where there is none for one."""
        return max(0, int((free - self.least(0)) // self.image))


def footprint(network: keras.Model, shape: Shape) -> Footprint:
    """Of a network that trains on images of `shape`, `(H, W, C)`."""
    return Footprint(sum(_kept(network, (1, *shape))), sum(map(_bytes, network.weights)))


def ask_memory(needed: Footprint, batch_size: int, share: int, free: Free) -> None:
    """Asks whether a step fits, and tells the log what it will take.

    Args:
        needed: of the network.
        batch_size: `[training] batch_size`.
        share: images of a batch that one device takes.
        free: memory of the device.

    Raises:
        UsageError: not even the least that it takes is free.
    """
    least, likely = needed.least(share), needed.likely(share)
    if least > free.size:
        devices = batch_size // share
        largest = devices * needed.largest_batch(free.size)
        advice = f"The largest that fits is {largest}" if largest else "Not even a single image fits"
        raise UsageError(
            f"[training] batch_size = {batch_size}: a training step takes {_size(least)} of memory or more, "
            f"{_size(free.size)} are free {free.of}. {advice}; [training.patch], less [data] height and width, or less "
            "[model] parameters make a step smaller"
        )
    level = logging.WARNING if likely > free.size else logging.INFO
    told = _size(free.size) if math.isfinite(free.size) else "nobody knows how much"
    _LOG.log(level, "a training step will take about %s of memory; %s are free %s", _size(likely), told, free.of)


def free_on(devices: Sequence[str]) -> Free:
    """Memory that is there for a device, named as `components.trainer.devices` does; of several alike for each. Of
    accelerators all that the largest has, which NVIDIA's driver tells."""
    if all(device.startswith("CPU") for device in devices):
        return free_memory()
    return Free(max(accelerator_memory(), default=math.inf), "of the accelerator")


def _kept(network: keras.Model, shape: Shape) -> Iterator[int]:
    """Bytes of each tensor that gradients need, of a batch of `shape`."""
    models = [layer for layer in network.layers if isinstance(layer, keras.Model)]
    given = [tensor for layer in network.layers if layer.weights and layer not in models for tensor in _inputs(layer)]
    needed = list({id(tensor): tensor for tensor in given}.values())
    # A model's `input` is its own, whatever it is called with.
    called = [model._inbound_nodes[-1].input_tensors[0] for model in models]
    found = keras.Function(network.inputs, [*needed, *called]).compute_output_spec([keras.KerasTensor(shape)])
    for tensor in found[: len(needed)]:
        yield _bytes(tensor)
    for model, tensor in zip(models, found[len(needed) :], strict=True):
        yield from _kept(model, tensor.shape)


def _inputs(layer: keras.Layer) -> list[keras.KerasTensor]:
    """None of a layer that is called several times: Keras tells none."""
    try:
        return list(keras.tree.flatten(layer.input))
    except (AttributeError, ValueError):
        return []


def _bytes(tensor: Any) -> int:
    return int(math.prod(tensor.shape) * tf.as_dtype(tensor.dtype).size)


def _size(size: float) -> str:
    return f"{size / 1e9:,.1f} GB" if size >= 1e9 else f"{size / 1e6:,.0f} MB"
