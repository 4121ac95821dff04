"""What an answer takes."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from typing_extensions import TypedDict

from components.memory import forget_peak, peak_memory

_LEAST, _MOST, _SECONDS = 5, 50, 3.0


class Cost(TypedDict):
    """Of requests of one image each, one after another."""

    requests: int
    p50_ms: float
    p95_ms: float
    peak_mib: float | None
    """Of the process meanwhile, with TensorFlow and all that it has loaded; None: the system does not tell."""


def cost_of(ask: Callable[[], object]) -> Cost:
    """Of what has answered before."""
    forget_peak()
    times: list[float] = []
    end = time.perf_counter() + _SECONDS
    while len(times) < _LEAST or (len(times) < _MOST and time.perf_counter() < end):
        begin = time.perf_counter()
        ask()
        times.append(1000 * (time.perf_counter() - begin))
    middle, high = np.percentile(times, [50, 95]).round(2).tolist()
    peak = peak_memory()
    return Cost(requests=len(times), p50_ms=middle, p95_ms=high, peak_mib=peak and round(peak / 2**20, 1))
