"""`maskline serve` in a process of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_STARTS_SECONDS = 120


@dataclass(frozen=True)
class Server:
    url: str
    process: subprocess.Popen[str]


def command(model: Path, *options: object) -> list[str]:
    return [sys.executable, "-m", "pipeline.cli", "serve", str(model), *map(str, options)]


@contextmanager
def server(model: Path, *options: object) -> Iterator[Server]:
    """One that listens on any free port, from when it answers."""
    paths = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen(
        command(model, "--port", 0, *options), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=paths
    )
    try:
        assert process.stdout is not None
        first = process.stdout.readline()
        found = re.match(r"http://[^ ]+(?=: )", first)
        assert found, first + process.stdout.read()
        yield Server(found[0].replace("0.0.0.0", "127.0.0.1"), process)
    finally:
        process.terminate()
        process.wait(_STARTS_SECONDS)
        process.stdout.close()
