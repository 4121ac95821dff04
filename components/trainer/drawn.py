"""The records of an epoch as a plan draws them: in any order, and any number of times."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from components.imaging.truth.classes import IGNORE
from components.records.tfexample import serialized_records
from components.trainer.augmentation import Sample
from components.trainer.python_calls import CALLS
from components.trainer.sampling import Facts, Plan, Sampling

_FEATURES = {"mask/labels": tf.io.RaggedFeature(tf.int64), "sample/label": tf.io.FixedLenFeature([], tf.string, "")}
_AT_ONCE = 16
"""Records that are parsed or gathered in one call."""
_FRAMING = 8 + 4 + 4
"""Bytes of a TFRecord beside its content: its length, and the checksums of both."""


@dataclass(frozen=True)
class Places:
    """Where each record begins: of which of the `files`, and at which byte, int64 `(N,)` each."""

    files: Sequence[str]
    file: np.ndarray
    begin: np.ndarray


class DrawnRecords:
    """Records by their numbers, from memory or from where they lie in their files."""

    def __init__(
        self,
        files: Sequence[str],
        decoded: Callable[[tf.data.Dataset], tf.data.Dataset],
        in_memory: bool,
        sampling: Sampling,
        batch_size: int,
        seed: int,
    ) -> None:
        """`decoded` makes samples of serialized records."""
        facts, self._places = read_facts(files)
        self.plan = Plan(facts, sampling, batch_size, seed)
        self._decoded = decoded
        serialized = serialized_records(sorted(files))
        self._held: Sample | None = next(iter(decoded(serialized).batch(len(facts.labels)))) if in_memory else None

    @property
    def held(self) -> tf.data.Dataset | None:
        """All records once in the order of the files, where they are in memory."""
        return tf.data.Dataset.from_tensor_slices(self._held) if self._held else None

    def epoch(self, number: int | tf.Tensor) -> tf.data.Dataset:
        """Samples by name, as they were decoded, with `visit` and `around` of the plan, int64."""
        draws = tf.numpy_function(self._drawn, [number], (tf.int64,) * 3, stateful=False)
        records, visits, around = (tf.ensure_shape(numbers, (None,)) for numbers in draws)
        drawn = {"visit": visits, "around": around}
        if self._held:
            return _gathered(self._held, records, drawn)
        where = tf.gather(self._places.file, records), tf.gather(self._places.begin, records)
        samples = self._decoded(tf.data.Dataset.from_tensor_slices(where).flat_map(self._at))
        return tf.data.Dataset.zip(samples, tf.data.Dataset.from_tensor_slices(drawn)).map(operator.or_)

    def _drawn(self, number: int) -> tuple[np.ndarray, ...]:
        with CALLS:
            return tuple(self.plan.epoch(int(number)))

    def _at(self, file: tf.Tensor, begin: tf.Tensor) -> tf.data.Dataset:
        """The serialized record that begins there."""
        variant = tf.raw_ops.TFRecordDatasetV2(
            filenames=tf.gather(list(self._places.files), file)[None],
            compression_type="",
            buffer_size=tf.constant(0, tf.int64),
            byte_offsets=begin[None],
        )
        return tf.data.experimental.from_variant(variant, tf.TensorSpec([], tf.string)).take(1)


def _gathered(held: Sample, records: tf.Tensor, drawn: Sample) -> tf.data.Dataset:
    def some(numbers: tf.Tensor, drawn: Sample) -> Sample:
        return {name: tf.gather(values, numbers) for name, values in held.items()} | drawn

    # One by one, the calls would take longer than the pixels.
    return tf.data.Dataset.from_tensor_slices((records, drawn)).batch(_AT_ONCE).map(some).unbatch()


def read_facts(files: Sequence[str]) -> tuple[Facts, Places]:
    """Of the records in the order of the files, which is that of their names; no pixel is decoded."""
    ordered = sorted(files)
    classes: list[list[int]] = []
    labels: list[str] = []
    of_file, begins = [], []
    for number, file in enumerate(ordered):
        end = 0
        for serialized in serialized_records(file).batch(_AT_ONCE):
            parsed = tf.io.parse_example(serialized, _FEATURES)
            classes += [[index for index in found if 0 < index < IGNORE] for found in parsed["mask/labels"].to_list()]
            labels += [label.decode() for label in parsed["sample/label"].numpy()]
            ends = end + np.cumsum(tf.strings.length(serialized).numpy() + _FRAMING, dtype=np.int64)
            begins.append(np.concatenate(([end], ends[:-1])))
            of_file.append(np.full(ends.size, number))
            end = ends[-1]
    return Facts(classes, labels), Places(ordered, _joined(of_file), _joined(begins))


def _joined(parts: Sequence[np.ndarray]) -> np.ndarray:
    return np.concatenate([np.empty(0, np.int64), *parts])
