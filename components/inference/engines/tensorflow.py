"""TensorFlow, by a signature of the SavedModel, and in bfloat16, by a SavedModel that is made of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf.config_pb2 import ConfigProto
from tensorflow.core.protobuf.meta_graph_pb2 import MetaGraphDef, TensorInfo
from tensorflow.core.protobuf.rewriter_config_pb2 import RewriterConfig
from tensorflow.python.grappler import tf_optimizer

from components.errors import UsageError
from components.inference.engines.engine import IMAGES, MOMENTS, PROBABILITY, Asked
from components.inference.operating_point import OWN

if TYPE_CHECKING:
    from components.inference.engines.frozen import Frozen

PROCESSOR = "CPU:0"
"""As TensorFlow names it."""
_REWRITER = "auto_mixed_precision_onednn_bfloat16"


def convert(frozen: Frozen, folder: Path, precision: str, samples: Sequence[Asked]) -> None:
    """Writes the model with its convolutions, and what lies between them, in bfloat16; samples are not needed.

    Raises:
        UsageError: TensorFlow has no convolutions in bfloat16 for this processor.
    """
    graph = _in_bfloat16(frozen)
    if not any(node.op == "Conv2D" and node.attr["T"].type == tf.bfloat16.as_datatype_enum for node in graph.node):
        raise UsageError("TensorFlow converts no convolution to bfloat16 here: the processor, or oneDNN, lacks it")
    wrapped = tf.compat.v1.wrap_function(lambda: tf.import_graph_def(graph, name=""), [])
    answer = wrapped.prune([*frozen.inputs.values()], frozen.output)
    inputs = zip(frozen.inputs, answer.inputs, strict=True)
    specs = [tf.TensorSpec(tensor.shape, tensor.dtype, name) for name, tensor in inputs]
    own = tf.function(lambda *given: {PROBABILITY: answer(*given)}, input_signature=specs)
    tf.saved_model.save(tf.Module(), folder, signatures={OWN: own})


def open_engine(folder: Path, precision: str) -> SavedModel:
    """The model that was written into a folder."""
    return SavedModel(folder, own=True, device=PROCESSOR)


class SavedModel:
    """The windows' signature of a SavedModel."""

    def __init__(self, folder: Path, own: bool, device: str | None = None) -> None:
        """
        Args:
            folder: where it is.
            own: by the model's own answers, without the mirror and the temperature that are part of its graph.
            device: on what it computes, as TensorFlow names it; None: TensorFlow's choice.

        Raises:
            UsageError: it does not give its own answers.
        """
        self._device = device
        with tf.device(device):
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
        with tf.device(self._device):
            given = {IMAGES: tf.constant(asked.images)}
            if MOMENTS in self._inputs:
                given[MOMENTS] = tf.constant(asked.moments)
            answer: np.ndarray = self.signature(**given)[PROBABILITY].numpy()
        return answer

    @property
    def _inputs(self) -> dict[str, tf.TensorSpec]:
        inputs: dict[str, tf.TensorSpec] = self.signature.structured_input_signature[1]
        return inputs


def _in_bfloat16(frozen: Frozen) -> tf.compat.v1.GraphDef:
    """By one rewriter of Grappler, called for this graph alone: an option of TensorFlow's would hold for all others."""
    given = MetaGraphDef(graph_def=frozen.graph.as_graph_def())
    for node in given.graph_def.node:
        # For which it is written, and answers, also where there is a GPU.
        node.device = f"/device:{PROCESSOR}"
    # What must stay.
    kept = given.signature_def[OWN]
    kept.outputs[PROBABILITY].name = frozen.output
    for name, tensor in frozen.inputs.items():
        kept.inputs[name].CopyFrom(TensorInfo(name=tensor, dtype=tf.float32.as_datatype_enum))
    asked = ConfigProto()
    options = asked.graph_options.rewrite_options
    options.meta_optimizer_iterations = RewriterConfig.ONE
    options.min_graph_nodes = -1  # however small
    options.optimizers.append(_REWRITER)
    return tf_optimizer.OptimizeGraph(asked, given)
