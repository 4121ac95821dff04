"""Records as batches of tensors: image float32 `(N, H, W, C)` in 0..1, mask float32 `(N, H, W, 1)` of 0 and 1."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from components.trainer.preprocessing import decode_record_image

CACHE_BYTES = 2 * 2**30
"""A decoded split up to this size stays in memory: PNG decoding is five times slower than reading pixels."""

_SHUFFLED_RECORDS = 1024


class TrainingData:
    """The training batches of every epoch, in an order that depends on the seed and the epoch alone."""

    def __init__(self, files: Sequence[str], shape: tuple[int, int, int], batch_size: int, seed: int) -> None:
        """`shape` is `(height, width, channels)` of every record."""
        self._shape = shape
        self._batch_size = batch_size
        self._seed = seed
        serialized = _serialized(files)
        self.records, self.foreground = _measure(serialized)
        self._in_memory = _fits_in_memory(self.records, shape)
        self._source = _decoded(serialized, shape).cache() if self._in_memory else serialized

    @property
    def steps_per_epoch(self) -> int:
        return -(-self.records // self._batch_size)

    def batches(self) -> tf.data.Dataset:
        """All records once; the n-th iteration over the returned object is epoch n."""
        window = self.records if self._in_memory else min(self.records, _SHUFFLED_RECORDS)
        shuffled = self._source.shuffle(window, seed=self._seed, reshuffle_each_iteration=True)
        pairs = shuffled if self._in_memory else _decoded(shuffled, self._shape)
        return _batched(pairs, self._batch_size).prefetch(2)

    def in_order(self) -> tf.data.Dataset:
        """All records once, in the order of the files."""
        return _batched(self._source if self._in_memory else _decoded(self._source, self._shape), self._batch_size)

    def batch(self, epoch: int, step: int) -> tuple[np.ndarray, np.ndarray]:
        """The batch that training saw at a step of an epoch, both counted from 0."""
        batches = self.batches()
        for _ in range(epoch):
            batches.reduce(0, lambda count, *_: count + 1)
        return next(itertools.islice(batches.as_numpy_iterator(), step, None))


def evaluation_batches(files: Sequence[str], shape: tuple[int, int, int], batch_size: int) -> tf.data.Dataset:
    """Every record once, in the order of the files: neither shuffled nor cut short."""
    serialized = _serialized(files)
    pairs = _decoded(serialized, shape)
    return _batched(pairs.cache() if _fits_in_memory(_measure(serialized)[0], shape) else pairs, batch_size)


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


def _serialized(files: Sequence[str]) -> tf.data.Dataset:
    return tf.data.TFRecordDataset(sorted(files))


def _decoded(serialized: tf.data.Dataset, shape: tuple[int, int, int]) -> tf.data.Dataset:
    height, width, channels = shape
    features = {
        "image/encoded": tf.io.FixedLenFeature([], tf.string),
        "mask/encoded": tf.io.FixedLenFeature([], tf.string),
    }

    def decode(record: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        parsed = tf.io.parse_single_example(record, features)
        image = decode_record_image(parsed["image/encoded"], height, width, channels)
        mask = tf.io.decode_png(parsed["mask/encoded"], channels=1)
        return image, tf.ensure_shape(mask, (height, width, 1))

    return serialized.map(decode, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)


def _batched(pairs: tf.data.Dataset, batch_size: int) -> tf.data.Dataset:
    def as_float(image: tf.Tensor, mask: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return tf.cast(image, tf.float32) / 65535.0, tf.cast(mask > 0, tf.float32)

    return pairs.batch(batch_size).map(as_float, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
