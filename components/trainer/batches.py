"""Records as batches of tensors, as `components.trainer.segmenter.Segmenter` takes them.

Images are float32 `(N, H, W, C)` in 0..1, those that are parts of others in a pair with `(N, 2)`, by which moments they
are standardised; truth is float32 class indices `(N, H, W, 1)`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import islice
from typing import Any

import numpy as np
import tensorflow as tf

from components.records.tfexample import serialized_records, untuned
from components.serving_graph.preprocessing import MOMENTS, decode_record_image
from components.trainer.augmentation import EpochChanges, Sample, change_on_device
from components.trainer.drawn import DrawnRecords
from components.trainer.sampling import Sampling

CACHE_BYTES = 2 * 2**30
"""A decoded split up to this size stays in memory: PNG decoding is five times slower than reading pixels."""

_SHUFFLED_RECORDS = 1024

Batch = tuple[Any, ...]
"""Images, or images and moments; their truth; and what the device must do, where it has a share in augmentation."""


class TrainingData:
    """The training batches of every epoch, which depend on the seeds and the epoch alone."""

    def __init__(
        self,
        files: Sequence[str],
        shape: tuple[int, int, int],
        batch_size: int,
        seed: int,
        changes: EpochChanges | None = None,
        workers: int = tf.data.AUTOTUNE,
        full_batches: bool = False,
        tiled: bool = False,
        sampling: Sampling | None = None,
    ) -> None:
        """`shape` is `(height, width, channels)` of every record; `workers` change records at once.

        `full_batches`: the records that would make a smaller last batch are left out, in each epoch others.
        `tiled`: records are parts of their sources, and standardised by those.
        `sampling`: what an epoch draws of the records; None: each once.
        """
        self._decoded = partial(_decoded, shape=shape, tiled=tiled)
        self.batch_size = batch_size
        self._seed = seed
        self._changes = changes
        self._workers = workers
        self._full_batches = full_batches
        serialized = _serialized(files)
        self.records, self.foreground = _measure(serialized)
        self._in_memory = _fits_in_memory(self.records, shape)
        self._drawn = (
            DrawnRecords(files, self._decoded, self._in_memory, sampling, batch_size, seed) if sampling else None
        )
        held = self._drawn and self._drawn.held
        self._source = held or (self._decoded(serialized).cache() if self._in_memory else serialized)

    @property
    def sampling(self) -> dict[str, Any] | None:
        """What an epoch draws, see `components.trainer.sampling.Plan.as_json`; None: each record once."""
        return self._drawn.plan.as_json() if self._drawn else None

    @property
    def steps_per_epoch(self) -> int:
        samples = self._drawn.plan.samples if self._drawn else self.records
        return samples // self.batch_size if self._full_batches else -(-samples // self.batch_size)

    def batches(self, first: int = 0) -> tf.data.Dataset:
        """Epoch after epoch from `first` without end, so that the next is in the making while the last is validated."""
        return untuned(tf.data.Dataset.counter(first).flat_map(self.epoch).prefetch(2))

    def epoch(self, number: int | tf.Tensor) -> tf.data.Dataset:
        """All records once, or what `sampling` draws of them; epochs count from 0."""
        records = self._drawn.epoch(number) if self._drawn else self._each_once(number)
        if self._changes is None:
            return _batched(records, self.batch_size, self._full_batches)
        changed = records.map(
            partial(self._changes, epoch=number), num_parallel_calls=self._workers, deterministic=True
        )
        return _batched(changed, self.batch_size, self._full_batches)

    def _each_once(self, number: int | tf.Tensor) -> tf.data.Dataset:
        window = self.records if self._in_memory else _SHUFFLED_RECORDS
        shuffled = _shuffled(self._source, window, self._seed, number)
        return shuffled if self._in_memory else self._decoded(shuffled)

    def in_order(self) -> tf.data.Dataset:
        """All records once as they are, in the order of the files."""
        records = self._source if self._in_memory else self._decoded(self._source)
        return _batched(records, self.batch_size)

    def batch(self, epoch: int, step: int) -> tuple[np.ndarray, np.ndarray]:
        """Images and truth that training saw at a step of an epoch, both counted from 0."""
        inputs, truth = next(islice(self.seen(epoch), step, None))
        images = inputs[0] if isinstance(inputs, tuple) else inputs
        return images.numpy(), truth.numpy()

    def seen(self, epoch: int) -> Iterator[Batch]:
        """The batches of an epoch as training sees them, changed on the device as well."""
        for batch in self.epoch(epoch):
            yield change_on_device(*batch) if len(batch) == 3 else batch


def evaluation_batches(
    files: Sequence[str], shape: tuple[int, int, int], batch_size: int, tiled: bool = False
) -> tf.data.Dataset:
    """Every record once, in the order of the files: neither shuffled nor cut short."""
    serialized = _serialized(files)
    records = _decoded(serialized, shape, tiled)
    return _batched(records.cache() if _fits_in_memory(_measure(serialized)[0], shape) else records, batch_size)


def _fits_in_memory(records: int, shape: tuple[int, int, int]) -> bool:
    height, width, channels = shape
    return records * height * width * (2 * channels + 1) <= CACHE_BYTES


def _measure(serialized: tf.data.Dataset) -> tuple[int, float]:
    """Number of records, and the mean share of foreground in their masks."""
    feature = {"mask/foreground_fraction": tf.io.FixedLenFeature([], tf.float32)}

    def add(total: tuple[tf.Tensor, tf.Tensor], record: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        share = tf.io.parse_single_example(record, feature)["mask/foreground_fraction"]
        return total[0] + 1, total[1] + tf.cast(share, tf.float64)

    count, total = serialized.reduce((tf.constant(0), tf.constant(0.0, tf.float64)), add)
    return int(count), float(total) / max(int(count), 1)


def _shuffled(dataset: tf.data.Dataset, window: int, seed: int, epoch: int | tf.Tensor) -> tf.data.Dataset:
    """As `Dataset.shuffle`, which takes no tensor as seed where TensorFlow's global seed is 0."""
    specs = tf.nest.flatten(dataset.element_spec)
    variant = tf.raw_ops.ShuffleDataset(
        input_dataset=tf.data.experimental.to_variant(dataset),
        buffer_size=window,
        seed=seed,
        # Two zeros would draw another order each time.
        seed2=tf.cast(epoch, tf.int64) + 1,
        reshuffle_each_iteration=False,
        output_types=[spec.dtype for spec in specs],
        output_shapes=[spec.shape for spec in specs],
    )
    return tf.data.experimental.from_variant(variant, dataset.element_spec)


def _serialized(files: Sequence[str]) -> tf.data.Dataset:
    return serialized_records(sorted(files))


def _decoded(serialized: tf.data.Dataset, shape: tuple[int, int, int], tiled: bool) -> tf.data.Dataset:
    """By name: image uint16, mask uint8, whether the record is deep (16 bit), its id and, of tiles, moments `(2,)`."""
    height, width, channels = shape
    features = {
        "image/encoded": tf.io.FixedLenFeature([], tf.string),
        "image/bit_depth": tf.io.FixedLenFeature([], tf.int64),
        "mask/encoded": tf.io.FixedLenFeature([], tf.string),
        "sample/id": tf.io.FixedLenFeature([], tf.string),
        **(MOMENTS if tiled else {}),
    }

    def decode(record: tf.Tensor) -> Sample:
        parsed = tf.io.parse_single_example(record, features)
        image = decode_record_image(parsed["image/encoded"], height, width, channels)
        mask = tf.ensure_shape(tf.io.decode_png(parsed["mask/encoded"], channels=1), (height, width, 1))
        sample = {"image": image, "mask": mask, "deep": parsed["image/bit_depth"] > 8, "id": parsed["sample/id"]}
        return {**sample, "moments": tf.stack([parsed[name] for name in MOMENTS])} if tiled else sample

    return serialized.map(decode, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)


def _batched(samples: tf.data.Dataset, batch_size: int, full_batches: bool = False) -> tf.data.Dataset:
    def as_batch(sample: Sample) -> Batch:
        images, truth = tf.cast(sample["image"], tf.float32) / 65535.0, tf.cast(sample["mask"], tf.float32)
        inputs = (images, sample["moments"]) if "moments" in sample else images
        return (inputs, truth, sample["draws"]) if "draws" in sample else (inputs, truth)

    batches = samples.batch(batch_size, drop_remainder=full_batches)
    # A shuffled dataset has lost the options of those that it was made of.
    return untuned(batches.map(as_batch, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True))
