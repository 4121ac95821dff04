"""A model in the workers of Beam."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from typing import Generic, TypeVar
from uuid import uuid4

import tensorflow as tf
from apache_beam.utils.shared import Shared

from components.errors import UsageError
from components.inference.devices import compute_on
from components.parallel import THREADS, share_accelerators

Loaded = TypeVar("Loaded")


class WorkerModel(Generic[Loaded]):
    """Loaded once in each worker process, by its first use, and shared by its threads.

    A process of its own is told first what it may compute on: on as many threads as `THREADS` says there, where nobody
    says better. The one that hands the work out has been told, and may be a worker, too.
    """

    def __init__(
        self, load: Callable[[], Loaded], refusals: str, device: str | None = None, threads: int | None = None
    ) -> None:
        """
        Args:
            load: what loads it, in whichever process.
            refusals: a folder, which may be a URI, for `raise_refusal`.
            device: as of `compute_on`.
            threads: on which it computes.
        """
        self._load = load
        self._refusals = refusals
        self._device = device
        self._threads = threads
        self._home = _process()
        self._shared = Shared()

    def __call__(self, do: Callable[[Loaded], None]) -> None:
        """Does something with it. A `UsageError`, also of loading, is kept: of what workers raise Beam brings home the
        text alone, among that of others."""
        try:
            # Held: what nobody holds is loaded again.
            self._loaded = self._shared.acquire(self._opened)
            do(self._loaded)
        except UsageError as error:
            tf.io.gfile.makedirs(self._refusals)
            with tf.io.gfile.GFile(f"{self._refusals}/{uuid4().hex}", "w") as file:
                file.write(str(error))

    def _opened(self) -> Loaded:
        if _process() != self._home:
            share_accelerators()
            compute_on(self._device, self._threads or int(os.environ.get(THREADS) or 0))
        return self._load()


def raise_refusal(refusals: str) -> None:
    """Called when Beam is done: raises `UsageError` where a worker met one."""
    for name in sorted(tf.io.gfile.listdir(refusals)) if tf.io.gfile.isdir(refusals) else []:
        with tf.io.gfile.GFile(f"{refusals}/{name}") as file:
            raise UsageError(file.read())


def _process() -> tuple[str, int]:
    return socket.gethostname(), os.getpid()
