"""Where requests wait for their turn: so many, for so long, and no longer."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import Any, TypeVar

from pipeline.serve.limits import Limits, Refusal

Found = TypeVar("Found")


class Desk:
    """Work is done by threads of its own."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._pool = ThreadPoolExecutor(limits.at_once, thread_name_prefix="answer")
        self._lock = Lock()
        self._inside = 0
        self._lasted = 0.0
        self._began: float | None = None

    @property
    def inside(self) -> int:
        """Requests that are received, wait or are worked on."""
        return self._inside

    async def do(self, receive: Callable[[], Awaitable[bytes]], work: Callable[[bytes], Found]) -> Found:
        """What `work` makes of what is received.

        Raises:
            Refusal: too many are inside, or it takes too long.
            Exception: what either raises.
        """
        self._enter()
        job = None
        try:
            async with asyncio.timeout(self._limits.seconds):
                content = await receive()
                job = self._pool.submit(self._timed, work, content)
                return await asyncio.wrap_future(job)
        except TimeoutError:
            sentence = f"no answer within {self._limits.seconds:g} seconds: try again, or ask for less at once"
            raise Refusal(503, sentence, self._later) from None
        finally:
            # Nothing ends a thread: its place is free when it has ended.
            if job is None:
                self._leave()
            else:
                job.add_done_callback(self._leave)

    def close(self) -> None:
        """Waits for what is worked on."""
        self._pool.shutdown(cancel_futures=True)

    def _enter(self) -> None:
        with self._lock:
            if self._inside >= self._limits.at_once + self._limits.waiting:
                raise Refusal(429, f"{self._inside} requests are being answered already: try again later", self._later)
            self._inside += 1

    def _leave(self, _: Any = None) -> None:
        with self._lock:
            self._inside -= 1

    def _timed(self, work: Callable[[bytes], Found], content: bytes) -> Found:
        self._began = began = time.monotonic()
        try:
            return work(content)
        finally:
            self._lasted = time.monotonic() - began
            self._began = None

    @property
    def _later(self) -> dict[str, str]:
        """When a place may be free: after as long as the last answer took, or this one has by now."""
        began = self._began
        lasts = self._lasted if began is None else max(self._lasted, time.monotonic() - began)
        return {"Retry-After": str(max(1, math.ceil(lasts)))}
