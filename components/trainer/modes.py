"""That a model is judged as what was trained, in inference mode as in training mode.

Batch norm takes the moments of each batch in training, and in inference running averages of them: with these a model is
validated, chosen, exported and served. Where they do not fit the weights, the losses in the two modes part.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

import keras
import tensorflow as tf

_FIRST_BATCHES = 8
_RECORDS = 64
"""So many of a split are looked at, which are few enough to be held in memory."""
_FAR = 0.2
_SMALL = 0.02
_NAMES = {"train": "training", "eval": "validation"}


@dataclass(frozen=True)
class ModeLosses:
    """The mean loss of the same records in both modes."""

    inference: float
    training: float

    @property
    def far_apart(self) -> bool:
        """Whether the loss in inference mode is more than a fifth above that in training mode, and 0.02 at least.

        Below it is where dropout, or the noise of small batches, is at work in training mode alone.
        """
        return self.inference - self.training > max(_FAR * self.training, _SMALL)


def begin_averages(fitted: keras.Model, network: keras.Model, batches: Iterable[tf.Tensor]) -> None:
    """Lets the averages of batch norm begin with the moments of the first eight batches of images, not with 0 and 1.

    With these a network that has learnt nothing predicts next to nothing, whatever it sees: the first epochs would
    look better than those in which the averages are on their way, and the learning rate be lowered for it.

    Args:
        fitted: what is trained; it is called as in training.
        network: the part of it that has the layers.
    """
    norms = [layer for layer in network.layers if isinstance(layer, keras.layers.BatchNormalization)]
    momenta = [norm.momentum for norm in norms]
    for number, images in enumerate(islice(batches, _FIRST_BATCHES) if norms else ()):
        for norm in norms:
            norm.momentum = number / (number + 1)
        fitted(images, training=True)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum


def losses_in_both_modes(model: keras.Model, batches: tf.data.Dataset, batch_size: int) -> ModeLosses:
    """The losses of at most 64 records, taken at equal distances from all those of `batches`.

    They are put into new batches, because neighbours are often of one source. The model is left as it was.
    """
    records = sum(len(images) for images, _ in batches)
    spread = batches.unbatch().shard(-(-records // _RECORDS), 0)
    mixed = list(spread.shuffle(_RECORDS, seed=0).batch(batch_size))
    kept = model.get_weights()
    losses = ModeLosses(_mean_loss(model, mixed, training=False), _mean_loss(model, mixed, training=True))
    model.set_weights(kept)
    return losses


def warnings(found: Mapping[str, ModeLosses]) -> Iterator[str]:
    """What people must be told of the losses of the splits `train` and `eval`."""
    for split, losses in found.items():
        if losses.far_apart:
            yield (
                f"the {_NAMES[split]} loss is {losses.inference:.3f} in inference mode, in which the model was chosen "
                f"and is served, but {losses.training:.3f} in training mode: batch norm's averages do not fit the "
                "model. Train for more steps, on larger batches or patches, or set batch_norm = false"
            )


def _mean_loss(model: keras.Model, batches: list[tuple[tf.Tensor, tf.Tensor]], training: bool) -> float:
    losses = [model.loss(truth, model(images, training=training)) for images, truth in batches]
    return float(tf.reduce_mean(tf.concat(losses, 0)))
