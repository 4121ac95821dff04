"""Answers to windows on the disk: `KIND/SPLIT.tfrecord` in InferenceResult, in the order of images and windows.

`KIND/SPLIT-CHANGE.tfrecord` are those to the images that were changed.

One is a 16-bit PNG of its probabilities in steps, a class below the other; empty where some are no finite numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import tensorflow as tf

from components.imaging.files.codecs import decode_image, encode_png
from components.inference.steps import from_steps, to_steps
from components.records.tfexample import serialized_records

PLAIN = "plain"
MIRRORED = "mirrored"
"""The mean of the answers to the mirrored forms of each window."""


def answers_file(folder: Path, kind: str, split: str, under: str | None = None) -> Path:
    """`under` is what the images were changed by."""
    return folder / kind / f"{split}-{under}.tfrecord" if under else folder / kind / f"{split}.tfrecord"


def write_answers(path: Path, answers: Iterable[np.ndarray]) -> None:
    """Writes float32 `(height, width, channels)` in 0..1 each."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tf.io.TFRecordWriter(str(path)) as writer:
        for answer in answers:
            writer.write(_encoded(answer))


def read_answers(path: Path, size: tuple[int, int], channels: int) -> Iterator[np.ndarray]:
    """What was written; `size` is height and width of a window of which there are no finite numbers."""
    for content in serialized_records([str(path)]).as_numpy_iterator():
        yield _decoded(content, channels) if content else np.full((*size, channels), np.nan, np.float32)


def _encoded(answer: np.ndarray) -> bytes:
    if not np.isfinite(answer).all():
        return b""
    height, width, channels = answer.shape
    return encode_png(np.moveaxis(to_steps(answer), -1, 0).reshape(channels * height, width))


def _decoded(content: bytes, channels: int) -> np.ndarray:
    steps = decode_image(content)
    stacked = steps.reshape(channels, steps.shape[0] // channels, steps.shape[1])
    return from_steps(np.moveaxis(stacked, 0, -1))
