"""A training that has stopped telling anything apart: named while it is on."""

from __future__ import annotations

import logging

import keras
import numpy as np
import tensorflow as tf

from components.imaging.truth.classes import IGNORE
from components.task import Task
from components.trainer.callbacks import validated
from components.trainer.checkpoint import State

_LOG = logging.getLogger("maskline.trainer")
_FLAT = 0.99


class Collapse(keras.callbacks.Callback):
    """Sees that for some validated epochs in a row a model says the same of every judged pixel of those validation
    images that have foreground, while the validation loss stays: in these epochs it has fallen by less than one in a
    hundred.

    So a slow starter, whose loss falls before its probabilities reach the threshold, is none. Where the model finds
    something again, nothing has happened.
    """

    def __init__(self, task: Task, epochs: int, ends: bool) -> None:
        """`epochs` in a row are a collapse, which `ends` the training, or does not."""
        super().__init__()
        self._task, self._epochs, self._ends = task, epochs, ends
        self._predicted: set[int] = set()
        self._true: set[int] = set()
        self._images = 0
        self._since = 0
        self._losses: list[float] = []
        self.found = ""
        """What the model predicts, in words; empty while it has not collapsed."""

    def saw(self, truth: tf.Tensor, predicted: tf.Tensor) -> None:
        """Takes note of a batch of validation images: class indices `(N, H, W, 1)` of truth, and uint8 predicted."""
        judged = truth != IGNORE
        shown = tf.reduce_any(judged & (truth > 0), (1, 2, 3))
        judged &= shown[:, None, None, None]
        self._images += int(tf.math.count_nonzero(shown))
        self._true |= self._classes(tf.cast(truth, tf.uint8), judged)
        self._predicted |= self._classes(predicted, judged)

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self._predicted, self._true, self._images = set(), set(), 0

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        if not validated(logs):
            return
        if not (len(self._predicted) == 1 < len(self._true)):
            if self.found:
                _LOG.warning("training has recovered in epoch %d", epoch + 1)
            self._losses, self.found = [], ""
            return
        self._since = self._since if self._losses else epoch + 1
        self._losses.append(logs["val_loss"])
        recent = self._losses[-self._epochs :]
        if not self.found and len(recent) == self._epochs and min(recent) > _FLAT * recent[0]:
            [index] = self._predicted
            self.found = (
                f"from epoch {self._since} on the model predicts {self._task.name(index)} in every pixel of each of "
                f"{self._images} validation images that have foreground"
            )
            _LOG.warning("training has collapsed: %s", self.found)
            self.model.stop_training |= self._ends

    def state(self) -> State:
        return {"since": self._since, "losses": np.array(self._losses, np.float64), "found": self.found}

    def restore(self, state: State) -> None:
        self._since, self.found = state["since"].item(), state["found"].item()
        self._losses = state["losses"].tolist()

    def _classes(self, indices: tf.Tensor, judged: tf.Tensor) -> set[int]:
        """Those that occur where `judged`."""
        found = [tf.reduce_any((indices == index) & judged) for index in range(1 + len(self._task.classes))]
        return {index for index, there in enumerate(tf.stack(found).numpy()) if there}
