"""Several models as one, which answers the mean of their probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

# Makes the class of the saved models known to Keras.
from components.trainer.segmenter import Segmenter


class Averaged(keras.Model):
    """As `Segmenter`, from images to the mean of the members' probabilities, each counting alike."""

    def __init__(self, members: Sequence[Segmenter]) -> None:
        super().__init__(name="ensemble")
        self.members = list(members)
        self.built = True  # as the members are

    def call(self, inputs: Any, training: bool = False) -> tf.Tensor:
        probabilities = [member(inputs, training=training) for member in self.members]
        return tf.add_n(probabilities) / len(probabilities)


def averaged(paths: Sequence[Path]) -> Averaged:
    """The mean of the models in Keras files, as the trainer saves them."""
    return Averaged([keras.saving.load_model(path, compile=False) for path in paths])
