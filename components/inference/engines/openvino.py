"""OpenVINO on the processor: `model.xml` and `model.bin`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import rich
import tensorflow as tf

from components.files import write_bytes
from components.inference.engines.engine import IMAGES, MOMENTS, PROBABILITY, Asked
from components.inference.engines.frozen import Frozen

if TYPE_CHECKING:
    import openvino

_FILE = "model.xml"
_HINTS = {"float32": {"INFERENCE_PRECISION_HINT": "f32"}, "bfloat16": {"INFERENCE_PRECISION_HINT": "bf16"}, "int8": {}}
"""Of int8, what is not quantized is computed in what the processor is best at."""
_NO_OPERATIONS = ("Parameter", "Constant", "Result")


def convert(frozen: Frozen, folder: Path, precision: str, samples: Sequence[Asked]) -> None:
    """Writes the model; by `samples` int8 finds the ranges of what flows through it (post-training quantization)."""
    import openvino

    model = openvino.convert_model(frozen.graph)
    for name, tensor in frozen.inputs.items():
        model.input(tensor).get_tensor().set_names({name})
    model.output(frozen.output).get_tensor().set_names({PROBABILITY})
    if precision == "int8":
        model = _quantized(model, samples)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        openvino.save_model(model, folder / _FILE, compress_to_fp16=False)
    except RuntimeError as error:
        if "iostream" not in str(error):
            raise
        # It does not say why. A file of as many bytes does, where the disk is full.
        write_bytes(folder / _FILE, bytes(frozen.graph.as_graph_def().ByteSize()))
        raise OSError(f"{folder}: cannot be written: {error}") from error


def open_engine(folder: Path, precision: str) -> Compiled:
    """The model that was written into a folder."""
    import openvino

    threads = tf.config.threading.get_intra_op_parallelism_threads()
    options = {
        **_HINTS[precision],
        "PERFORMANCE_HINT": "LATENCY",
        # As TensorFlow is told; 0: all there are.
        **({"INFERENCE_NUM_THREADS": threads} if threads else {}),
    }
    return Compiled(openvino.compile_model(openvino.Core().read_model(folder / _FILE), "CPU", options))


class Compiled:
    """A model of OpenVINO."""

    def __init__(self, model: openvino.CompiledModel) -> None:
        self._model = model
        self._names = {each.any_name for each in self._model.inputs}

    @property
    def size(self) -> tuple[int, int]:
        _, height, width, _ = self._model.input(IMAGES).get_partial_shape()
        return height.get_length(), width.get_length()

    @property
    def channels(self) -> int:
        return self._model.output(PROBABILITY).get_partial_shape()[-1].get_length()

    def __call__(self, asked: Asked) -> np.ndarray:
        given = {IMAGES: asked.images, **({MOMENTS: asked.moments} if MOMENTS in self._names else {})}
        # A copy: the next answer comes into the same memory.
        return np.array(self._model(given)[PROBABILITY], np.float32)


def _quantized(model: openvino.Model, samples: Sequence[Asked]) -> openvino.Model:
    import logging

    import nncf

    # Its own function sets the level of whatever handles what it logs, which may be everybody's.
    logging.getLogger("nncf").setLevel(logging.ERROR)
    names = {each.any_name for each in model.inputs}
    given = [{name: value for name, value in sample._asdict().items() if name in names} for sample in samples]
    kept = nncf.IgnoredScope(names=_ends(model), validate=False)
    with _bars_hidden():
        return nncf.quantize(model, nncf.Dataset(given), subset_size=len(given), ignored_scope=kept)


@contextmanager
def _bars_hidden() -> Iterator[None]:
    """NNCF draws its progress on the console that rich has for everyone."""
    console = rich.get_console()
    before, console.quiet = console.quiet, True
    try:
        yield
    finally:
        console.quiet = before


def _ends(model: openvino.Model) -> list[str]:
    """The operations before which, or behind which, there is no convolution: the first of them, the last, and above all
    the standardisation of images. `benchmarks/README.md` has what they would cost."""
    operations = model.get_ordered_ops()
    behind = _beyond(operations, _sources)
    before = _beyond(operations[::-1], _targets)
    names = [each.get_friendly_name() for each in operations if each.get_type_name() not in _NO_OPERATIONS]
    return [name for name in names if name not in behind or name not in before]


def _beyond(operations: Sequence[Any], neighbours: Callable[[Any], Iterable[Any]]) -> set[str]:
    """The names of those that follow a convolution, in an order in which neighbours come first."""
    found: set[str] = set()
    for operation in operations:
        if any(_convolves(each) or each.get_friendly_name() in found for each in neighbours(operation)):
            found.add(operation.get_friendly_name())
    return found


def _sources(operation: Any) -> Iterator[Any]:
    return (each.get_source_output().get_node() for each in operation.inputs())


def _targets(operation: Any) -> Iterator[Any]:
    return (target.get_node() for each in operation.outputs() for target in each.get_target_inputs())


def _convolves(operation: Any) -> bool:
    return "Convolution" in operation.get_type_name()
