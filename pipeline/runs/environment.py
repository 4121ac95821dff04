"""What is told to the workers of Beam on this machine, by the environment that they inherit."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from components.parallel import ACCELERATORS, SAFE_PATH, THREADS, share_accelerators, shield_workers
from pipeline.config.execution import Execution


@contextmanager
def workers_told(execution: Execution) -> Iterator[None]:
    """Workers read the environment of this process, which gets its own back: it may be anyone's."""
    names = (THREADS, SAFE_PATH, ACCELERATORS)
    kept = {name: os.environ[name] for name in names if name in os.environ}
    set_threads(execution)
    shield_workers()
    share_accelerators()
    try:
        yield
    finally:
        for name in names:
            os.environ.pop(name, None)
        os.environ.update(kept)


def set_threads(execution: Execution) -> None:
    """For this process and the workers that it starts; as an argument it would be part of the cache's key."""
    os.environ[THREADS] = execution.threads
