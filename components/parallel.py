"""Work on several cores at once, in order and with bounded memory."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

from apache_beam.options.pipeline_options import PipelineOptions

Item = TypeVar("Item")
Result = TypeVar("Result")


class ThreadOptions(PipelineOptions):
    """Our own Beam argument: it travels with the others to every node and is no part of the cache's key."""

    @classmethod
    def _add_argparse_args(cls, parser: ArgumentParser) -> None:
        parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)


def threads(beam_arguments: Sequence[str]) -> int:
    """Threads per Beam worker; without the argument one per core."""
    return PipelineOptions(beam_arguments).view_as(ThreadOptions).threads


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
