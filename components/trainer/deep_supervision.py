"""Heads on the coarser features of a network, which training alone has (Lee et al. 2015, arXiv 1409.5185).

Weights and scales are nnU-Net's: each output counts half as much as the next finer one, the coarsest not at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf
from keras import ops

from components.task import Task
from components.trainer.heads import head
from components.trainer.segmenter import Segmenter, body_of
from components.trainer.settings import Model


class Supervised(Segmenter):
    """As the `Segmenter` that it trains, which has its network, but that each step judges side outputs as well."""

    def __init__(self, network: keras.Model, heads: keras.Model, **kwargs: Any) -> None:
        """`heads` goes from standardised images to a list of probabilities, first those of `network`, then coarser
        ones; the two share their layers."""
        super().__init__(network, **kwargs)
        self.heads = heads

    @property
    def served(self) -> Segmenter:
        """Without what training alone has; the weights are the same ones."""
        return Segmenter(self.network, name=self.name)

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Probabilities; of inputs with the mark that a step of training gives them a list, of all heads."""
        if not (isinstance(inputs, tuple | list) and inputs[-1].shape == ()):
            return super().call(inputs, training)
        images_and_moments = inputs[:-1]
        return self.heads(self.standardize(*images_and_moments), training=training)

    def _for_step(self, inputs: Any) -> Any:
        mark = tf.constant(0)
        return (*inputs, mark) if isinstance(inputs, tuple | list) else (inputs, mark)

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> Any:
        """In a step the weighted mean of the losses of all outputs, each at its own scale."""
        if not isinstance(y_pred, list):
            return super().compute_loss(x, y, y_pred, sample_weight, training)
        loss_of = super().compute_loss
        losses = [loss_of(x, truth_for(found, y), found, sample_weight, training) for found in y_pred]
        return sum(weight * loss for weight, loss in zip(loss_weights(len(losses)), losses, strict=True))

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Of the network's own output."""
        return super().compute_metrics(x, y, y_pred[0] if isinstance(y_pred, list) else y_pred, sample_weight)


def build_supervised(channels: int, model: Model, task: Task, foreground: float = 0.5) -> Supervised:
    """As `build_segmenter`, which draws the same weights, with a head on each side output but the coarsest."""
    images, (finest, *sides) = body_of(channels, model)
    found = [head(finest, task, foreground)]
    found += [head(side, task, foreground, f"side_{number}") for number, side in enumerate(sides[:-1], 1)]
    network = keras.Model(images, found[0], name=model.architecture)
    return Supervised(network, keras.Model(images, found, name="heads"), name="segmenter")


def as_served(model: Segmenter) -> Segmenter:
    """What is exported of what was trained."""
    return model.served if isinstance(model, Supervised) else model


def loss_weights(outputs: int) -> Sequence[float]:
    """1, 1/2, 1/4, ... over their sum, finest first."""
    halved = [0.5**number for number in range(outputs)]
    return [weight / sum(halved) for weight in halved]


def truth_for(probability: tf.Tensor, truth: tf.Tensor) -> tf.Tensor:
    """Class indices `(N, H, W, 1)` at the scale of probabilities `(N, h, w, C)`, of which theirs is a multiple: of each
    block the pixel in the middle. What is to be ignored there stays so."""
    step = ops.shape(truth)[1] // ops.shape(probability)[1]
    return truth[:, step // 2 :: step, step // 2 :: step]
