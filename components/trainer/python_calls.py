"""Calls of Python from TensorFlow's threads, and the end of the interpreter."""

from __future__ import annotations

import atexit
import threading
import time

_SETTLED_SECONDS = 0.1


class PythonCalls:
    """A context for each call. When the interpreter ends it waits for those that run, and refuses others.

    A dataset that is still being read then, after an error or Ctrl-C, goes on in the background. The end of the
    interpreter would kill its threads where they ask for it, and they would take the process with them (SIGABRT).
    """

    def __init__(self) -> None:
        self._change = threading.Condition()
        self._running = 0
        self._ended = False
        atexit.register(self._end)

    def __enter__(self) -> None:
        with self._change:
            if self._ended:
                raise RuntimeError("the interpreter ends")
            self._running += 1

    def __exit__(self, *_: object) -> None:
        with self._change:
            self._running -= 1
            self._change.notify_all()

    def _end(self) -> None:
        with self._change:
            self._ended = True
            self._change.wait_for(lambda: self._running == 0)
        # Calls that are refused end at once, but they have to come first: datasets make some samples in advance.
        time.sleep(_SETTLED_SECONDS)


CALLS = PythonCalls()
"""Of this process."""
