"""Reading many images before people's eyes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.progress import track

from pipeline.runs.examined import Watch
from pipeline.runs.quiet import quiet
from pipeline.terminal import Terminal


@contextmanager
def reading_bar(doing: str = "Reading") -> Iterator[Watch]:
    """A bar in the terminal. The codecs complain about damaged files in their own words, which go nowhere: ours name
    the file."""
    with quiet(Path(os.devnull)) as terminal:
        console = Terminal(terminal).console
        yield lambda items, count: track(items, doing, count, console=console, transient=True)
