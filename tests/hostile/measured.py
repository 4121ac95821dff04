"""What a call costs, in a child process: it may hang, or take all memory."""

from __future__ import annotations

import multiprocessing
import resource
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

_PATIENCE = 60
"""Seconds by the clock: what waits for ever takes no time of the processor."""
_PAGE_MB = resource.getpagesize() / 2**20


@dataclass(frozen=True)
class Cost:
    """Of a call that has come to its end."""

    outcome: str
    """What it returned, or the type and the message of what it raised."""
    seconds: float
    """Of the processor."""
    mb: float
    """The most that it held at a time, beyond what its process had."""


def cost(call: Callable[[], object], seconds: int = 20, mb: int = 4096) -> Cost:
    """Of a call in a fork of this process.

    Raises:
        TimeoutError: it has not come to its end in so many seconds of the processor, or a minute.
    """
    context = multiprocessing.get_context("fork")
    here, there = context.Pipe(duplex=False)
    child = context.Process(target=_child, args=(there, call, seconds, mb))
    child.start()
    there.close()
    try:
        if not here.poll(_PATIENCE):
            raise TimeoutError
        return here.recv()
    except (EOFError, TimeoutError) as error:
        raise TimeoutError(f"not done after {seconds} s of the processor, or {_PATIENCE} s by the clock") from error
    finally:
        child.kill()
        child.join()


def _child(there: Connection, call: Callable[[], object], seconds: int, mb: int) -> None:
    before = _held()
    resource.setrlimit(resource.RLIMIT_AS, (int((_virtual() + mb) * 2**20),) * 2)
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    try:
        outcome = str(call())
    except BaseException as error:  # whatever it is, the test is to see it
        outcome = f"{type(error).__name__}: {error}"
    used = resource.getrusage(resource.RUSAGE_SELF)
    there.send(Cost(outcome, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024 - before))


def _virtual() -> float:
    return int(_statm()[0]) * _PAGE_MB


def _held() -> float:
    return int(_statm()[1]) * _PAGE_MB


def _statm() -> list[str]:
    return Path("/proc/self/statm").read_text().split()
