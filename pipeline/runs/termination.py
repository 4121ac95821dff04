"""SIGTERM while a run is on: the first lets the current node end, the second interrupts it."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from components.errors import ExitCode, MasklineError


class Terminated(MasklineError):
    """The run was told to end, and ends between two nodes."""

    exit_code = ExitCode.TERMINATED


@contextmanager
def graceful() -> Iterator[Callable[[str], None]]:
    """Yields a function to call before each node, with its name.

    It raises `Terminated` once SIGTERM has come. A second SIGTERM raises KeyboardInterrupt, as Ctrl-C does.
    """
    asked = False

    def ask(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        if asked:
            raise KeyboardInterrupt
        asked = True

    def before(node: str) -> None:
        if asked:
            raise Terminated(f"told to end (SIGTERM) before {node}; started again it goes on there")

    handler = signal.signal(signal.SIGTERM, ask)
    try:
        yield before
    finally:
        signal.signal(signal.SIGTERM, handler)
