"""Time and signals, as the loop sees them."""

from __future__ import annotations

import os
import select
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from types import FrameType
from typing import Protocol

_LONGEST_SLEEP = 60.0
"""Seconds after which the clock is looked at again: it may have been set, or the machine have slept."""


class Clock(Protocol):
    """What tells the time and lets it pass."""

    def now(self) -> datetime:
        """The time, with its zone."""

    def sleep(self, seconds: float) -> None:
        """Returns after so many seconds, or earlier when a stop is asked for."""


class Stop:
    """SIGTERM and SIGINT while `listening`: remembered, and passed on to the run that is on.

    A terminal that is closed (SIGHUP) asks as SIGTERM does, but not where nohup has it ignored.
    """

    def __init__(self) -> None:
        self.signal: int | None = None
        """The last signal that asked for a stop; None: go on."""
        self._process: subprocess.Popen[bytes] | None = None
        self._pipe: list[int] = []

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Takes the signals over, and gives them back."""
        self._pipe[:] = os.pipe()
        asking = [signal.SIGTERM, signal.SIGINT]
        if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
            asking.append(signal.SIGHUP)
        before = {number: signal.signal(number, self._received) for number in asking}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
            while self._pipe:
                os.close(self._pipe.pop())

    @contextmanager
    def passed_to(self, process: subprocess.Popen[bytes]) -> Iterator[None]:
        """Passes signals on to a process, also one that came just before."""
        self._process = process
        if self.signal:
            process.send_signal(self.signal)
        try:
            yield
        finally:
            self._process = None

    def wait(self, seconds: float) -> None:
        """Returns after so many seconds, at once when a stop has been asked for."""
        select.select(self._pipe[:1], [], [], seconds)

    def _received(self, number: int, frame: FrameType | None) -> None:
        if number == signal.SIGHUP:
            if self.signal:
                # The shell and the kernel may both send it; a second SIGTERM would interrupt a run's node.
                return
            number = signal.SIGTERM
        if self.signal is None:
            os.write(self._pipe[1], b"\0")
        self.signal = number
        if self._process:
            with suppress(ProcessLookupError):
                self._process.send_signal(number)


class SystemClock:
    """The time of the machine; a stop ends a sleep."""

    def __init__(self, stop: Stop) -> None:
        self._stop = stop

    def now(self) -> datetime:
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        self._stop.wait(seconds)


def wait_until(clock: Clock, stop: Stop, time: datetime) -> None:
    """Returns at a time of the clock, or when a stop is asked for."""
    while stop.signal is None and (left := (time - clock.now()).total_seconds()) > 0:
        clock.sleep(min(left, _LONGEST_SLEEP))
