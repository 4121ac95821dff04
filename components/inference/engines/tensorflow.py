"""TensorFlow, by a signature of the SavedModel."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import tensorflow as tf

from components.errors import UsageError
from components.inference.engines.engine import IMAGES, MOMENTS, PROBABILITY, Asked
from components.inference.operating_point import OWN


class SavedModel:
    """The windows' signature of a SavedModel."""

    def __init__(self, folder: Path, own: bool) -> None:
        """`own`: by the model's own answers, without the mirror and the temperature that are part of its graph.

        Raises:
            UsageError: it does not give them.
        """
        self._model = tf.saved_model.load(str(folder))  # its signatures live as long as it does
        signatures = self._model.signatures
        if own and OWN not in signatures:
            raise UsageError(
                f"{folder}: mirror and temperature are in the graph of this model, which was exported before one could "
                "ask without them. Leave both as they are, or run the pipeline again, which exports it anew"
            )
        # Models of tiles from before standardise each tile by itself, as they were trained.
        name = "serve_windows" if "serve_windows" in signatures else "serve_tensor"
        self.signature = signatures[OWN if own else name]
        """The concrete function."""

    @property
    def size(self) -> tuple[int, int]:
        height, width = self._inputs[IMAGES].shape[1:3]
        return height, width

    @property
    def channels(self) -> int:
        return int(self.signature.structured_outputs[PROBABILITY].shape[-1])

    def __call__(self, asked: Asked) -> np.ndarray:
        given = {IMAGES: tf.constant(asked.images)}
        if MOMENTS in self._inputs:
            given[MOMENTS] = tf.constant(asked.moments)
        answer: np.ndarray = self.signature(**given)[PROBABILITY].numpy()
        return answer

    @property
    def _inputs(self) -> dict[str, tf.TensorSpec]:
        inputs: dict[str, tf.TensorSpec] = self.signature.structured_input_signature[1]
        return inputs
