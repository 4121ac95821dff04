"""A process that reads inputs: `python -m fuzz.child READER SEED FIRST LAST FOLDER`.

Of each input it prints a line of JSON: its number, seconds of the processor, which share of the reads took it,
megabytes above what the valid files took, and a finding. The input stands in the folder before it is read.
"""

from __future__ import annotations

import json
import resource
import signal
import sys
import time
import traceback
import warnings
from contextlib import suppress
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from fuzz.mutate import mutated
from fuzz.reader import Reader
from fuzz.readers import READERS

SECONDS = 10.0
"""Of the processor, for one input; and six times as many by the clock."""
MEGABYTES = 200 + 6
"""More than what it holds of itself and of the valid files, all libraries loaded."""
_ROOM = 6 * 2**30
INPUT = "input"


def input_of(reader: str, seeds: list[bytes], seed: int, number: int) -> bytes:
    """The same for the same arguments."""
    rng = Random(f"{seed} {reader} {number}")
    return mutated(rng, rng.choice(seeds), READERS[reader].changes)


def examined(reader: Reader, path: Path, content: bytes, baseline: int) -> dict[str, object]:
    """What an input did."""
    path.write_bytes(content)
    with suppress(OSError):  # what making the input took is not the reader's
        Path("/proc/self/clear_refs").write_text("5")
    _arm(SECONDS)
    begin, finding, taken = time.process_time(), "", 0.0
    try:
        taken = reader.ask(path) / len(reader.reads)
    except BaseException as error:  # panics of compiled code are no `Exception`
        frame = traceback.extract_tb(error.__traceback__)[-1]
        finding = f"{type(error).__name__} at {Path(frame.filename).name}:{frame.lineno}: {str(error)[:300]}"
    seconds = time.process_time() - begin
    _arm(0)
    grown = (peak() - baseline) / 1024
    if not finding and grown > MEGABYTES:
        finding = f"memory: {grown:.0f} MB above the valid files"
    return {"seconds": round(seconds, 3), "taken": taken, "grown": round(max(0, grown), 1), "finding": finding}


def peak() -> int:
    """In KiB, of this process or of the largest that it has waited for."""
    return max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


def _arm(seconds: float) -> None:
    """The default of both signals is the end."""
    signal.setitimer(signal.ITIMER_PROF, seconds)
    signal.setitimer(signal.ITIMER_REAL, 6 * seconds)


def main() -> None:
    name, seed, first, last, kept = sys.argv[1:]
    warnings.simplefilter("ignore")  # pydicom's quote what is wrong, and are many
    reader = READERS[name]
    seeds = reader.seeds()
    with TemporaryDirectory(prefix="maskline-fuzz-") as folder:
        path = reader.lay_out(Path(folder))
        for content in seeds:
            path.write_bytes(content)
            reader.ask(path)
        baseline = peak()
        in_use = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (in_use + _ROOM, resource.RLIM_INFINITY))
        for number in range(int(first), int(last)):
            content = input_of(name, seeds, int(seed), number)
            (Path(kept) / INPUT).write_bytes(content)
            found = examined(reader, path, content, baseline)
            print(json.dumps({"number": number, **found}), flush=True)
            if found["finding"]:
                return  # the next begins as this one did


if __name__ == "__main__":
    main()
