"""Work on several cores at once, in order and with bounded memory."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

import cv2
from threadpoolctl import threadpool_limits

THREADS = "MASKLINE_THREADS"
"""Environment variable: threads per process that works on pixels. Worker processes inherit it."""
SAFE_PATH = "PYTHONSAFEPATH"
"""Environment variable of Python's own."""
ACCELERATORS = "TF_FORCE_GPU_ALLOW_GROWTH"
"""Environment variable of TensorFlow's own."""

Item = TypeVar("Item")
Result = TypeVar("Result")


def threads() -> int:
    """By the environment variable `THREADS`, else one per core."""
    return int(os.environ.get(THREADS) or os.cpu_count() or 1)


def without_inner_threads() -> None:
    """One thread for each call into OpenCV and BLAS from now on: ours are the parallelism, theirs would fight them.

    Those of OpenBLAS besides keep a core busy while they wait for a next call.
    """
    cv2.setNumThreads(1)
    threadpool_limits(1, user_api="blas")


def shield_workers() -> None:
    """Python processes that are started from now on import nothing from the current folder, whatever it holds."""
    os.environ[SAFE_PATH] = "1"


def share_accelerators() -> None:
    """TensorFlow takes of a GPU's memory what it needs, here and in the processes that are started from now on.

    It would take all at its first use, and leave none for trainings and checks in processes of their own.
    """
    os.environ.setdefault(ACCELERATORS, "true")


def ordered_map(function: Callable[[Item], Result], items: Iterable[Item], threads: int) -> Iterator[Result]:
    """As `map`, in threads; at most two results per thread wait to be taken.

    Threads suffice where the time goes into codecs and array functions, which release the interpreter.
    """
    remaining = iter(items)
    with ThreadPoolExecutor(threads) as pool:
        waiting: deque[Future[Result]] = deque(pool.submit(function, item) for item in islice(remaining, 2 * threads))
        while waiting:
            result = waiting.popleft().result()
            waiting.extend(pool.submit(function, item) for item in islice(remaining, 1))
            yield result
