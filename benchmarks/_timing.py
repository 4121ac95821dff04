"""How long things take, and how much memory: the same for all benchmarks."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from statistics import median

_MEASURED = (
    "import atexit, pathlib, re, runpy, sys; "
    "status = pathlib.Path('/proc/self/status'); "
    "atexit.register(lambda: print(re.search(r'VmHWM:\\s*(\\d+)', status.read_text())[1], flush=True)); "
    "sys.argv = sys.argv[1:]; runpy.run_module(sys.argv[0], run_name='__main__', alter_sys=True)"
)


def seconds(work: Callable[[], object]) -> float:
    """Wall time of one call."""
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def processor_seconds(work: Callable[[], object]) -> float:
    """Of all threads of this process in one call: less at the mercy of a busy machine than wall time."""
    begin = time.process_time()
    work()
    return time.process_time() - begin


def ratio(
    numerator: Callable[[], object],
    denominator: Callable[[], object],
    rounds: int,
    measure: Callable[[Callable[[], object]], float] = seconds,
) -> str:
    """Median and range of the ratio of two times, taken in turn, so that a busy machine slows both."""
    found = [measure(numerator) / measure(denominator) for _ in range(rounds)]
    return f"{median(found):.2f} ({min(found):.2f} to {max(found):.2f}, {rounds} rounds)"


def peak_mebibytes(module: str, *arguments: str, status: int = 0) -> float:
    """Highest resident size of `python -m module arguments`, a process of its own that ends with `status`.

    From /proc: what getrusage says is at least the size of the process that started it.
    """
    done = subprocess.run(
        [sys.executable, "-c", _MEASURED, module, *arguments], capture_output=True, text=True, check=False
    )
    if done.returncode != status:
        raise RuntimeError(f"{module} {' '.join(arguments)} ended with {done.returncode}: {done.stderr[-2000:]}")
    return int(done.stdout.splitlines()[-1]) / 1024
