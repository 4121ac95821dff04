"""How fast training is here, and what limits it: steps on one batch against steps on batches as they come."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

import keras
import tensorflow as tf

from components.memory import peak_memory
from components.parallel import without_inner_threads
from components.trainer.attempts import seen_shape, training_data
from components.trainer.choices import compile_model
from components.trainer.deep_supervision import build_supervised
from components.trainer.devices import accelerators
from components.trainer.footprint import ask_memory, footprint, free_on
from components.trainer.precision import Precision, precision_for
from components.trainer.segmenter import build_segmenter
from components.trainer.settings import TrainerSettings

_ROUNDS = 5
_LIMITING = 0.05
"""Share of a step from which the data are said to limit it."""


@dataclass(frozen=True)
class Times:
    """Of a step, in seconds."""

    wall: float
    processor: float
    """Of all threads."""


@dataclass(frozen=True)
class Speed:
    """Of the training of one config on one device."""

    device: str
    precision: Precision
    threads: int
    batch_size: int
    cached: Times
    """On one batch that lies in memory."""
    loaded: Times
    """On batches as training takes them: shuffled, augmented, made while the step before is under way."""
    peak_memory: int
    """Bytes that the process has held at most."""

    @property
    def data_share(self) -> float:
        """Of a step's time, 0 to 1; not below 0, whatever the noise. Where the processor trains, of its own time: it
        makes the batches too, and whatever else it does must not count."""
        cached, loaded = (
            (self.cached.processor, self.loaded.processor)
            if self.device.startswith("CPU")
            else (self.cached.wall, self.loaded.wall)
        )
        return max(0.0, 1 - cached / loaded)

    @property
    def limited_by(self) -> str:
        return "data" if self.data_share > _LIMITING else "computation"

    def as_json(self) -> dict[str, Any]:
        times = {"cached_step_seconds": asdict(self.cached), "loaded_step_seconds": asdict(self.loaded)}
        kept = ("device", "threads", "batch_size", "data_share", "limited_by", "peak_memory")
        return {
            **{name: getattr(self, name) for name in kept},
            **self.precision.as_json(),
            "images_per_second": self.batch_size / self.loaded.wall,
            "images_per_second_cached": self.batch_size / self.cached.wall,
            **times,
        }


def training_speed(files: Sequence[str], settings: TrainerSettings, seconds: float) -> Speed:
    """Trains for about so many seconds, on the first device, in turn on one batch and on batches as they come.

    Args:
        files: records of the training split.
        settings: as `run_fn` has them.
        seconds: without the first step, in which the graph is made.

    Raises:
        UsageError: a batch does not fit into memory.
    """
    without_inner_threads()
    keras.utils.set_random_seed(settings.training.seed)
    device, *_ = accelerators()
    precision = precision_for(settings.training.precision, [device], settings.model.built)
    data = training_data(list(files), settings, full_batches=True)
    build = build_supervised if settings.training.deep_supervision else build_segmenter
    with precision.building():
        model = build(settings.derivation.channels, settings.model, settings.task, data.foreground)
    size = settings.training.batch_size
    ask_memory(footprint(model.network, seen_shape(settings)), size, size, free_on([device]))
    compile_model(model, settings)
    model.make_train_function()
    loaded = iter(data.batches())
    cached = iter(tf.data.Dataset.from_tensors(next(loaded)).repeat())
    _steps(model, cached, 1)
    count = max(1, round(seconds / (2 * _ROUNDS) / _steps(model, cached, 1).wall))
    rounds = [(_steps(model, cached, count), _steps(model, loaded, count)) for _ in range(_ROUNDS)]
    of_cached, of_loaded = map(_median, zip(*rounds, strict=True))
    threads = tf.config.threading.get_intra_op_parallelism_threads() or len(os.sched_getaffinity(0))
    return Speed(device, precision, threads, size, of_cached, of_loaded, peak_memory=peak_memory() or 0)


def _steps(model: keras.Model, batches: Iterator[Any], count: int) -> Times:
    wall, processor = time.perf_counter(), time.process_time()
    for _ in range(count):
        float(model.train_function(batches)["loss"])  # which waits for the device, as training does
    return Times((time.perf_counter() - wall) / count, (time.process_time() - processor) / count)


def _median(times: Sequence[Times]) -> Times:
    return Times(median(each.wall for each in times), median(each.processor for each in times))
