"""That a model is judged as what was trained, in inference mode as in training mode.

Batch norm takes the moments of each batch in training, and in inference running averages of them: with these a model is
validated, chosen, exported and served. Where they do not fit the weights, the losses in the two modes part.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

import keras
import numpy as np
import tensorflow as tf

from components.trainer.batches import Batch
from components.trainer.choices import Loss

Layer = TypeVar("Layer")

_FIRST_BATCHES = 8
_RECORDS = 64
"""So many of a split are looked at, which are few enough to be held in memory."""
_FAR = 0.2
_SMALL = 0.02


@dataclass(frozen=True)
class ModeLosses:
    """The mean loss of the same records in both modes, without dropout."""

    inference: float
    training: float

    @property
    def far_apart(self) -> bool:
        """Whether the loss in inference mode is more than a fifth above that in training mode, and 0.02 at least.

        It may lie below: small batches have moments that are off, in training mode alone.
        """
        return self.inference - self.training > max(_FAR * self.training, _SMALL)


def begin_averages(model: keras.Model, batches: Iterable[Batch]) -> None:
    """Lets the averages of batch norm begin with the mean moments of the first eight batches, not with 0 and 1.

    With these a network that has learnt nothing predicts next to nothing, whatever it sees: the first epochs would
    look better than those in which the averages are on their way, and the learning rate be lowered for it.

    Args:
        model: what training calls.
        batches: as training sees them, as many records at once as one device takes.
    """
    norms = list(_layers(model, keras.layers.BatchNormalization))
    if not norms:
        return
    averages = [average for norm in norms for average in (norm.moving_mean, norm.moving_variance)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.momentum = 0.0  # A batch's moments take the place of the averages.
    look = tf.function(lambda inputs: model(inputs, training=True), reduce_retracing=True)
    found = []
    for inputs, _ in islice(batches, _FIRST_BATCHES):
        look(inputs)
        found.append([average.numpy() for average in averages])
    for average, moments in zip(averages, zip(*found, strict=True), strict=True):
        average.assign(np.mean(moments, axis=0))
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum


def losses_in_both_modes(model: keras.Model, loss: Loss, batches: Iterable[Batch]) -> ModeLosses:
    """The losses of the first 64 records, with the moments of their own batches and with the averages.

    The batches must be mixed: one of neighbours, which often have one source, has that one's moments. The model is left
    as it was.
    """
    kept = model.get_weights()
    looked_at = list(_first_records(batches))
    with _without_dropout(model):
        inference, training = (_mean_loss(model, loss, looked_at, training) for training in (False, True))
    model.set_weights(kept)
    return ModeLosses(inference, training)


def mixed(batches: tf.data.Dataset, batch_size: int) -> Iterator[Batch]:
    """At most 64 records, taken at equal distances from all those of `batches`, in other batches."""
    records = sum(len(truth) for _, truth in batches)
    spread = batches.unbatch().shard(-(-records // _RECORDS), 0)
    yield from spread.shuffle(_RECORDS, seed=0).batch(batch_size)


def warnings(train: ModeLosses, validation: ModeLosses) -> Iterator[str]:
    """What people must be told of the losses of training batches and of validation records."""
    judged = "in inference mode, in which the model was chosen and is served, but"
    if train.far_apart:
        yield (
            f"the training loss is {train.inference:.3f} {judged} {train.training:.3f} in training mode: the averages "
            'of batch norm do not fit the model. Train for more steps, or set normalisation = "group"'
        )
    elif validation.far_apart:
        yield (
            f"the validation loss is {validation.inference:.3f} {judged} {validation.training:.3f} in training mode, "
            "where batch norm takes the moments of these images: they look unlike those of training. Look for another "
            "scanner, stain or exposure in one of the splits, or for patches unlike whole images"
        )


def _first_records(batches: Iterable[Batch]) -> Iterator[Batch]:
    seen = 0
    for inputs, truth in batches:
        yield inputs, truth
        seen += len(truth)
        if seen >= _RECORDS:
            return


def _mean_loss(model: keras.Model, loss: Loss, batches: Sequence[Batch], training: bool) -> float:
    # As a graph, which frees what a layer no longer needs; called eagerly, Keras keeps it until the end.
    call = tf.function(lambda inputs: model(inputs, training=training), reduce_retracing=True)
    losses = [loss(truth, call(inputs)) for inputs, truth in batches]
    return float(tf.reduce_mean(tf.concat(losses, 0)))


@contextmanager
def _without_dropout(model: keras.Model) -> Iterator[None]:
    dropouts = list(_layers(model, keras.layers.Dropout))
    rates = [dropout.rate for dropout in dropouts]
    for dropout in dropouts:
        dropout.rate = 0.0
    try:
        yield
    finally:
        for dropout, rate in zip(dropouts, rates, strict=True):
            dropout.rate = rate


def _layers(model: keras.Model, kind: type[Layer]) -> Iterator[Layer]:
    """Those of a kind, within the models in a model as well."""
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from _layers(layer, kind)
        elif isinstance(layer, kind):
            yield layer
