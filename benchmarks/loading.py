"""Batches by `tf.data`, as training takes them, against the same batches by `keras.utils.PyDataset`.

The network is one convolution of a pixel: what is left is the loading. Both hold the decoded records in memory and draw
the same changes of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from benchmarks._films import write_films
from benchmarks._timing import processor_seconds, ratio, seconds
from benchmarks.online import records_of
from components.imaging.augmentation.settings import Augmentation
from components.parallel import without_inner_threads
from components.records.tfexample import serialize
from components.trainer.augmentation import EpochChanges
from components.trainer.batches import TrainingData
from pipeline.config.loader import load_config

_SIZE, _BATCH, _EPOCHS, _ROUNDS = 128, 8, 8, 9


class _Records(keras.utils.PyDataset):
    """The records of a `TrainingData`, in an order of each epoch's own."""

    def __init__(self, data: TrainingData, changes: EpochChanges | None, workers: int) -> None:
        super().__init__(workers=workers, max_queue_size=2 * workers)
        self._samples = list(data._source.as_numpy_iterator())
        self._changes = changes
        self._epoch = -1
        self.on_epoch_begin()

    def on_epoch_begin(self) -> None:
        self._epoch += 1
        self._order = np.random.default_rng((0, self._epoch)).permutation(len(self._samples))

    def __len__(self) -> int:
        return -(-len(self._samples) // _BATCH)

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        chosen = [self._samples[number] for number in self._order[index * _BATCH : (index + 1) * _BATCH]]
        pairs = [self._changed(sample) for sample in chosen]
        images, masks = (np.stack(part).astype(np.float32) for part in zip(*pairs, strict=True))
        return images / 65535, masks

    def _changed(self, sample: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
        image, mask = sample["image"], sample["mask"]
        if self._changes is None:
            return image, mask
        return self._changes._changed(image, mask, sample["deep"], sample["id"], self._epoch, 0, -1)[:2]


def measure() -> Iterator[str]:
    """Yields ratios of times."""
    without_inner_threads()
    demo = load_config("demo").augmentation.model_copy(update={"online": True})
    with TemporaryDirectory() as folder:
        shard = Path(folder) / "train"
        with tf.io.TFRecordWriter(str(shard)) as writer:
            for example in records_of(write_films(Path(folder) / "films", women=40), _SIZE, 1, serialize):
                writer.write(example)
        for what, augmentation in {"as they are": None, "augmented as in the demo": demo}.items():
            for workers in (1, 2):
                found = _compared(str(shard), augmentation, workers)
                yield f"records {what}, PyDataset with {workers} workers over tf.data: {found}"


def _compared(shard: str, augmentation: Augmentation | None, workers: int) -> str:
    changes = EpochChanges(0, augmentation, None) if augmentation else None
    data = TrainingData([shard], (_SIZE, _SIZE, 1), _BATCH, 0, changes)
    records = _Records(data, changes, workers)
    ours, theirs = _fit(data.batches, data.steps_per_epoch), _fit(lambda: records, len(records))
    ours(), theirs()
    wall, processor = (ratio(theirs, ours, _ROUNDS, how) for how in (seconds, processor_seconds))
    return f"wall time {wall}, processor time {processor}"


def _fit(data: Callable[[], Any], steps: int) -> Callable[[], object]:
    model = keras.Sequential([keras.Input((_SIZE, _SIZE, 1)), keras.layers.Conv2D(1, 1, activation="sigmoid")])
    model.compile("sgd", "binary_crossentropy")
    return lambda: model.fit(data(), steps_per_epoch=steps, epochs=_EPOCHS, verbose=0, shuffle=False)
