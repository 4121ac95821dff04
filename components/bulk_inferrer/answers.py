"""Answers to windows on the disk: `KIND/Split-SPLIT/` in InferenceResult has a shard for each shard of the records, in
the order of images and windows.

`KIND/Split-SPLIT-CHANGE/` are those to the images that were changed.

One is a 16-bit PNG of its probabilities in steps, a class below the other; empty where some are no finite numbers.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from components.imaging.files.codecs import decode_image, encode_png
from components.inference.steps import from_steps, to_steps
from components.records.tfexample import serialized_records, shard_writer, split_files

PLAIN = "plain"
MIRRORED = "mirrored"
"""The mean of the answers to the mirrored forms of each window."""


def kinds(mirror: bool) -> list[str]:
    """Those that are kept, also where mirrored answers are asked for."""
    return [PLAIN, MIRRORED] if mirror else [PLAIN]


@dataclass(frozen=True)
class Place:
    """Of the answers to the images of a split."""

    inference: str
    """The folder of InferenceResult; may be a URI."""
    split: str
    under: str | None = None
    """What the images had been changed by."""

    @contextmanager
    def writer(self, kind: str, shard: str) -> Iterator[Callable[[np.ndarray], None]]:
        """Writes answers to the images of a shard, under its name: float32 `(height, width, channels)` in 0..1 each."""
        name = os.path.basename(shard)  # noqa: PTH119 - may be a URI
        with shard_writer(self._folder(kind), self._name, name) as writer:
            yield lambda answer: writer.write(_encoded(answer))

    def shards(self, kind: str) -> list[str]:
        """Files of what was written, in order."""
        return split_files(self._folder(kind), self._name)

    def read(self, kind: str, size: tuple[int, int], channels: int) -> Iterator[np.ndarray]:
        """What was written; `size` is height and width of a window of which there are no finite numbers."""
        for shard in self.shards(kind):
            for content in serialized_records(shard).as_numpy_iterator():
                yield _decoded(content, channels) if content else np.full((*size, channels), np.nan, np.float32)

    @property
    def _name(self) -> str:
        return f"{self.split}-{self.under}" if self.under else self.split

    def _folder(self, kind: str) -> str:
        return f"{self.inference}/{kind}"


def _encoded(answer: np.ndarray) -> bytes:
    if not np.isfinite(answer).all():
        return b""
    height, width, channels = answer.shape
    return encode_png(np.moveaxis(to_steps(answer), -1, 0).reshape(channels * height, width))


def _decoded(content: bytes, channels: int) -> np.ndarray:
    steps = decode_image(content)
    stacked = steps.reshape(channels, steps.shape[0] // channels, steps.shape[1])
    return from_steps(np.moveaxis(stacked, 0, -1))
