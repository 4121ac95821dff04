"""Augmentation in the trainer's data pipeline: the time of a sample, and what training loses to it.

On the CPU, training and pipeline share the cores, so its steps wait for no sample but for the cores: what a sample
takes of them is lost. The ratio of processor times states that whatever else the machine does; that of wall times
would be 1 where training leaves a core free, or runs on an accelerator.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import keras
import tensorflow as tf

from benchmarks._films import write_films
from benchmarks._timing import processor_seconds, ratio
from components.example_gen.listing import list_samples
from components.example_gen.outcome import outcome_of
from components.imaging.augmentation.operations import Operation
from components.imaging.augmentation.settings import Augmentation
from components.parallel import without_inner_threads
from components.records.record import Record
from components.records.tfexample import serialize
from components.trainer.augmentation import EpochChanges
from components.trainer.batches import TrainingData
from components.trainer.choices import compile_model
from components.trainer.segmenter import build_segmenter
from pipeline.config.loader import load_config

_SAMPLES, _ROUNDS, _EPOCHS = 50, 9, 4


def measure() -> Iterator[str]:
    """Yields milliseconds of a sample, and ratios of the times that training takes."""
    without_inner_threads()
    with TemporaryDirectory() as folder:
        films = write_films(Path(folder) / "films", women=40)
        record = records_of(films, 512, 3, lambda record: record, count=1)[0]
        for probability in (0.5, 1.0):
            work = partial(_changed, record, EpochChanges(0, _all_operations(probability), None))
            work()
            taken = [1000 * processor_seconds(work) / _SAMPLES for _ in range(_ROUNDS)]
            yield (
                f"a sample of 512 px in RGB, every operation with probability {probability:g}, one thread: "
                f"{median(taken):.1f} ms of the processor ({min(taken):.1f} to {max(taken):.1f}, {_ROUNDS} rounds)"
            )
        shard = Path(folder) / "train"
        with tf.io.TFRecordWriter(str(shard)) as writer:
            for example in records_of(films, 128, 1, serialize):
                writer.write(example)
        demo = load_config("demo").augmentation
        sections = {"of the demo recipe": demo, "by every operation with probability 0.5": _all_operations(0.5)}
        for what, augmentation in sections.items():
            for line in _training(str(shard), augmentation):
                yield f"the demo recipe's model and films, augmentation {what}: {line}"


def _training(shard: str, augmentation: Augmentation) -> Iterator[str]:
    """Times over those of training on the records as they are, taken in turn."""
    config = load_config("demo")
    shape = (config.data.height, config.data.width, config.data.channels)
    model = build_segmenter(config.data.channels, config.model, config.data.task)
    compile_model(model, config.trainer)
    changes = EpochChanges(0, augmentation.model_copy(update={"online": True}), None)
    augmented, plain = (
        partial(_fit, model, TrainingData([shard], shape, config.training.batch_size, 0, changed))
        for changed in (changes, None)
    )
    augmented(), plain()
    yield f"wall time of {_EPOCHS} epochs over that without: {ratio(augmented, plain, _ROUNDS)}"
    yield f"processor time over that without: {ratio(augmented, plain, _ROUNDS, processor_seconds)}"


def _fit(model: keras.Model, data: TrainingData) -> None:
    model.fit(data.batches(), steps_per_epoch=data.steps_per_epoch, epochs=_EPOCHS, verbose=0, shuffle=False)


def _changed(record: Record, changes: EpochChanges) -> None:
    image, mask = tf.constant(record.image * 257, tf.uint16), tf.constant(record.mask[..., None])
    sample = {"image": image, "mask": mask, "deep": tf.constant(False), "id": tf.constant(record.id)}
    for _ in tf.data.Dataset.range(_SAMPLES).map(partial(changes, sample)):
        pass


def _all_operations(probability: float) -> Augmentation:
    """The default ranges."""
    operations = {name: {"probability": probability} for name, value in Augmentation() if isinstance(value, Operation)}
    flips = dict.fromkeys(("horizontal_flip", "vertical_flip", "right_angle"), probability)
    return Augmentation.model_validate({"online": True, **operations, **flips})


def records_of(
    films: Path, size: int, channels: int, make: Callable[[Record], Any], count: int | None = None
) -> Sequence[Any]:
    settings = [f"data.height={size}", f"data.width={size}", f"data.channels={channels}"]
    data = load_config("mias", settings).records
    samples = list_samples(films, data).samples[:count]
    return [made for sample in samples for made in outcome_of(sample, films, data, make)[1]]
