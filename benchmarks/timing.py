"""How long things take, and how much memory: the same for all benchmarks."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from statistics import median


def seconds(work: Callable[[], object]) -> float:
    """Wall time of one call."""
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def ratio(numerator: Callable[[], object], denominator: Callable[[], object], rounds: int) -> str:
    """Median and range of the ratio of two times, taken in turn, so that a busy machine slows both."""
    found = [seconds(numerator) / seconds(denominator) for _ in range(rounds)]
    return f"{median(found):.2f} ({min(found):.2f} to {max(found):.2f}, {rounds} rounds)"


def peak_memory(module: str, *arguments: str) -> int:
    """Highest resident size in bytes of `python -m module arguments`, a process of its own."""
    code = (
        "import resource, runpy, sys; "
        "sys.argv = sys.argv[1:]; runpy.run_module(sys.argv[0], run_name='__main__', alter_sys=True); "
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    done = subprocess.run([sys.executable, "-c", code, module, *arguments], capture_output=True, text=True, check=True)
    return 1024 * int(done.stdout.splitlines()[-1])
