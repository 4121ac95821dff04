"""Whose fault it is when an engine breaks: its own, or that of the machine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from components.disk import DiskFull
from components.errors import UsageError
from components.foreign import cause, foreign
from components.inference.engines.engine import Asked, Engine

_NO_MEMORY = ("bad_alloc", "bad allocation", "Failed to allocate memory")
"""What C++, OpenVINO and ONNX Runtime say of it."""


@contextmanager
def engine_named(what: str, remedy: str = "") -> Iterator[None]:
    """Whatever breaks an engine within becomes `UsageError`, which says `what` and the cause.

    A lack of memory, a full disk and files that cannot be read or written pass: they tell nothing of the engine.
    """
    with foreign(UsageError, what, MemoryError, OSError, DiskFull, remedy=remedy), _memory_named():
        yield


@contextmanager
def _memory_named() -> Iterator[None]:
    """A lack of memory is `MemoryError`, whoever tells it."""
    try:
        yield
    except Exception as error:
        if isinstance(error, tf.errors.ResourceExhaustedError) or any(sign in str(error) for sign in _NO_MEMORY):
            raise MemoryError(cause(error)) from error
        raise


@dataclass(frozen=True)
class Named:
    """An engine whose faults are named."""

    engine: Engine
    what: str
    """Said of them first."""
    remedy: str

    @property
    def size(self) -> tuple[int, int]:
        return self.engine.size

    @property
    def channels(self) -> int:
        return self.engine.channels

    def __call__(self, asked: Asked) -> np.ndarray:
        with engine_named(self.what, self.remedy):
            return self.engine(asked)
