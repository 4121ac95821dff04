"""Training records for the tests of what changes in every epoch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from components.imaging.augmentation.settings import Augmentation
from components.imaging.truth.shapes import Ellipse, Shape, rasterized
from components.records.record import Record
from components.records.settings import Derivation
from components.records.tfexample import serialize
from components.task import Task
from components.trainer.augmentation import EpochChanges
from components.trainer.batches import TrainingData
from components.trainer.settings import Model, Patch, TrainerSettings, Training

COUNT, BATCH, STEPS = 7, 3, 3
HEIGHT, WIDTH = 32, 48
SHUFFLE_SEED, CHANGES_SEED = 51, 52
MODEL = Model(architecture="unet", parameters={"levels": 2, "base_filters": 2, "normalisation": "none"})
PATCH = Patch(height=8, width=12, foreground_share=0.5)
GEOMETRY = ("rotation", "zoom", "shear", "elastic", "distortion", "barrel", "pincushion")
INTENSITY = ("gamma", "contrast", "brightness", "clahe", "sharpening", "blur", "low_resolution", "noise", "cutout")
FLIPS = ("horizontal_flip", "vertical_flip", "right_angle")
TONES = ("gamma", "contrast", "brightness")
Batch = tuple[np.ndarray, ...]


def settings(*names: str, on_device: bool = False, online: bool = True, probability: float = 0.7) -> Augmentation:
    """The default ranges, each operation named with one probability."""
    operations = {name: probability if name in FLIPS else {"probability": probability} for name in names}
    return Augmentation.model_validate({**operations, "online": online, "on_device": on_device})


def trainer_settings(task: Task | None = None, **training: Any) -> TrainerSettings:
    """Of records of this size, with `[training]` as given."""
    return TrainerSettings(
        task=task or Task(),
        derivation=Derivation(height=HEIGHT, width=WIDTH),
        model=MODEL,
        training=Training(**{"epochs": 1, **training}),
        augmentation=None,
    )


ALL = settings(*GEOMETRY, *INTENSITY, *FLIPS)


def disc(row: int, column: int, radius: float) -> np.ndarray:
    return rasterized(HEIGHT, WIDTH, [Shape(Ellipse(column, row, radius, radius))])


def picture(number: int, dtype: type = np.uint8, channels: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Noise around a bright disc, and the classes of the disc and of a bar."""
    rng = np.random.default_rng(number)
    mask = 3 * disc(rng.integers(10, 22), rng.integers(10, 38), 6)
    mask[2, 4:9] = 1
    shape = (HEIGHT, WIDTH) if channels == 1 else (HEIGHT, WIDTH, channels)
    bright = (mask if channels == 1 else mask[..., None]) > 0
    return ((rng.uniform(0.1, 0.5, shape) + 0.4 * bright) * np.iinfo(dtype).max).astype(dtype), mask


def record(number: int, dtype: type = np.uint8, channels: int = 1) -> Record:
    name = f"r{number}"
    return Record(*picture(number, dtype, channels), name, name, f"{name}.png", b"\0" * 32, {})


def write(file: Path, records: list[Record]) -> list[str]:
    with tf.io.TFRecordWriter(str(file)) as writer:
        for each in records:
            writer.write(serialize(each))
    return [str(file)]


def write_records(folder: Path) -> list[str]:
    """`COUNT` records in one file."""
    return write(folder / "train", [record(number) for number in range(COUNT)])


def data(
    files: list[str],
    augmentation: Augmentation | None,
    patch: Patch | None = None,
    seed: int = 1,
    workers: int = 2,
    channels: int = 1,
) -> TrainingData:
    """`seed` is that of the section `[augmentation]`; the others differ from it."""
    augmentation = augmentation and augmentation.model_copy(update={"seed": seed})
    changes = EpochChanges(CHANGES_SEED, augmentation, patch)
    return TrainingData(files, (HEIGHT, WIDTH, channels), BATCH, SHUFFLE_SEED, changes, workers)


def taken(dataset: tf.data.Dataset, steps: int = STEPS) -> list[Batch]:
    return list(dataset.take(steps).as_numpy_iterator())


def assert_same(some: list[Batch], others: list[Batch]) -> None:
    for one, other in zip(some, others, strict=True):
        for left, right in zip(tf.nest.flatten(one), tf.nest.flatten(other), strict=True):
            np.testing.assert_array_equal(left, right)
