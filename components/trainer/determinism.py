"""The same numbers from the same run, bit for bit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tensorflow.python.framework import config


@contextmanager
def deterministic_operations(wanted: bool) -> Iterator[None]:
    """Within it TensorFlow computes by operations that give the same result each time, and refuses those that cannot.

    The switch is the process's, in which other nodes run after a training: it is set back. TensorFlow has no public
    way to.
    """
    before = config.is_op_determinism_enabled()
    if wanted:
        config.enable_op_determinism()
    try:
        yield
    finally:
        if not before:
            config.disable_op_determinism()
