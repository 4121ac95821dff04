"""ONNX Runtime on the processor: `model.onnx`, which other programs read, too."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf

from components.inference.engines.engine import IMAGES, MOMENTS, PROBABILITY, Asked
from components.inference.engines.frozen import Frozen

if TYPE_CHECKING:
    import onnxruntime

_FILE = "model.onnx"
_OPSET = 17


def convert(frozen: Frozen, folder: Path, precision: str, samples: Sequence[Asked]) -> None:
    """Writes the model in float32; samples are not needed."""
    import onnx
    import tf2onnx

    tensors = {**{tensor: name for name, tensor in frozen.inputs.items()}, frozen.output: PROBABILITY}
    model, _ = tf2onnx.convert.from_graph_def(
        frozen.graph.as_graph_def(), input_names=[*frozen.inputs.values()], output_names=[frozen.output], opset=_OPSET
    )
    for node in model.graph.node:
        node.input[:] = [tensors.get(name, name) for name in node.input]
        node.output[:] = [tensors.get(name, name) for name in node.output]
    for value in (*model.graph.input, *model.graph.output):
        value.name = tensors[value.name]
    onnx.checker.check_model(model)
    folder.mkdir(parents=True, exist_ok=True)
    onnx.save(model, folder / _FILE)


def open_engine(folder: Path, precision: str) -> Session:
    """The model that was written into a folder."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    # As TensorFlow is told; 0: all there are.
    options.intra_op_num_threads = tf.config.threading.get_intra_op_parallelism_threads()
    return Session(onnxruntime.InferenceSession(folder / _FILE, options, providers=["CPUExecutionProvider"]))


class Session:
    """A model of ONNX Runtime."""

    def __init__(self, session: onnxruntime.InferenceSession) -> None:
        self._session = session
        self._shapes = {each.name: each.shape for each in self._session.get_inputs()}

    @property
    def size(self) -> tuple[int, int]:
        _, height, width, _ = self._shapes[IMAGES]
        return height, width

    @property
    def channels(self) -> int:
        return int(self._session.get_outputs()[0].shape[-1])

    def __call__(self, asked: Asked) -> np.ndarray:
        given = {IMAGES: asked.images, **({MOMENTS: asked.moments} if MOMENTS in self._shapes else {})}
        answer: np.ndarray = self._session.run([PROBABILITY], given)[0]
        return answer
