"""Runs all benchmarks, or the one named: `make bench`, `make bench BENCH=derive`."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path


def main(names: list[str]) -> None:
    """Prints a line per measurement of each benchmark named, or of all."""
    known = sorted(path.stem for path in Path(__file__).parent.glob("*.py") if not path.stem.startswith("_"))
    for name in names or known:
        if name not in known:
            sys.exit(f"{name}: no such benchmark. There are {', '.join(known)}")
        for line in importlib.import_module(f"benchmarks.{name}").measure():
            print(f"{name}: {line}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
