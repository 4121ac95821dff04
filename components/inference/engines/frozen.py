"""A model as faster engines read it: one graph from windows to probabilities, its weights constants in it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from components.artifacts import MADE_ANEW
from components.errors import UsageError
from components.inference.engines.tensorflow import PROCESSOR, SavedModel
from components.state import broken_named


@dataclass(frozen=True)
class Frozen:
    """Of the model's own answers."""

    graph: tf.Graph
    inputs: dict[str, str]
    """The tensors of `images` and, of models of tiles, `moments`."""
    output: str
    """The tensor of `probability`."""


def frozen(folder: Path) -> Frozen:
    """Of the SavedModel in `folder`.

    Raises:
        UsageError: it does not give its own answers.
        BrokenState: it cannot be read.
    """
    with broken_named(folder, MADE_ANEW, UsageError, MemoryError):
        model = SavedModel(folder, own=True, device=PROCESSOR)
    function = convert_variables_to_constants_v2(model.signature)
    [output] = function.outputs
    return Frozen(function.graph, {each.name.partition(":")[0]: each.name for each in function.inputs}, output.name)
