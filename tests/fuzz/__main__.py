"""`make fuzz`: `python -m fuzz [--reader NAME ...] [--seconds 600] [--inputs 20000] [--seed 0]`.

Of each reader: inputs, crashes, hangs, the slowest input, the most memory. What has gone wrong is kept, an input and
why a file each; the exit code is 1 where there is any.
"""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from fuzz.child import INPUT
from fuzz.readers import READERS

FOUND = Path("maskline-out/fuzz")
_BATCH = 2000
"""Inputs of a process."""
_ENDED = {signal.SIGPROF: "hang", signal.SIGALRM: "hang"}


@dataclass
class Tally:
    """What became of the inputs of a reader."""

    inputs: int = 0
    taken: float = 0.0
    """Sum of the shares of its reads that took them."""
    findings: dict[str, int] = field(default_factory=lambda: dict.fromkeys(("crash", "hang", "memory"), 0))
    slowest: float = 0.0
    grown: float = 0.0

    def add(self, told: dict[str, float]) -> None:
        self.inputs += 1
        self.taken += told["taken"]
        self.slowest = max(self.slowest, told["seconds"])
        self.grown = max(self.grown, told["grown"])


def fuzz(name: str, seed: int, inputs: int, seconds: float, folder: Path) -> Tally:
    """Reads inputs one after the other until there are enough, or the time is over."""
    tally, end = Tally(), time.monotonic() + seconds
    while tally.inputs < inputs and time.monotonic() < end:
        last = min(inputs, tally.inputs + _BATCH)
        _batch(name, seed, tally, last, end, folder)
    return tally


def _batch(name: str, seed: int, tally: Tally, last: int, end: float, folder: Path) -> None:
    command = [sys.executable, "-m", "fuzz.child", name, str(seed), str(tally.inputs), str(last), str(folder)]
    with (
        (folder / "stderr").open("wb") as errors,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors) as process,
    ):
        assert process.stdout
        for line in process.stdout:
            if not line.startswith(b"{"):
                continue  # what a library prints
            told = json.loads(line)
            tally.add(told)
            if told["finding"]:
                _keep(
                    name, tally, "memory" if told["finding"].startswith("memory") else "crash", told["finding"], folder
                )
            if time.monotonic() > end:
                process.terminate()
    if process.returncode not in (0, -signal.SIGTERM):
        tally.inputs += 1
        how = f"ended with {process.returncode}: {(folder / 'stderr').read_text(errors='replace')[-300:]}"
        _keep(name, tally, _ENDED.get(-process.returncode, "crash"), how, folder)


def _keep(name: str, tally: Tally, kind: str, finding: str, folder: Path) -> None:
    tally.findings[kind] += 1
    place = folder / f"{kind}-{tally.inputs - 1}"
    shutil.copy(folder / INPUT, place)
    place.with_suffix(".txt").write_text(finding + "\n")
    print(f"  {name} {kind} {tally.inputs - 1}: {finding}", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--reader", nargs="*", choices=READERS, default=[*READERS])
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--inputs", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    bad = 0
    print("reader            inputs  read  seconds  crashes  hangs  memory  slowest s  most MB")
    for name in asked.reader:
        folder = FOUND / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        begin = time.monotonic()
        tally = fuzz(name, asked.seed, asked.inputs, asked.seconds, folder)
        crashes, hangs, memory = tally.findings.values()
        bad += crashes + hangs + memory
        share = tally.taken / max(1, tally.inputs)
        print(
            f"{name:17} {tally.inputs:6} {share:5.0%} {time.monotonic() - begin:8.0f} {crashes:8} {hangs:6} {memory:7} "
            f"{tally.slowest:10.2f} {tally.grown:8.0f}",
            flush=True,
        )
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
