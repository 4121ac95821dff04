"""How long a thread may work on a request: who asked has been told by then that there is no answer."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import local


class TooLate(Exception):
    """Nobody waits any longer."""


class Deadline(local):
    """Of each thread its own."""

    _until = math.inf

    @contextmanager
    def after(self, seconds: float) -> Iterator[None]:
        self._until = time.monotonic() + seconds
        try:
            yield
        finally:
            self._until = math.inf

    def heed(self) -> None:
        """Raises TooLate where it has passed."""
        if time.monotonic() > self._until:
            raise TooLate
