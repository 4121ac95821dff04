"""Keeps the terminal for people: what libraries print, in Python or below it, goes to a log file."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO


@contextmanager
def quiet(log: Path) -> Iterator[TextIO]:
    """Sends standard output and error of this process to `log`; yields the terminal's standard output.

    Arguments are hidden too: TFX and Beam read `sys.argv` as their own.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    saved = os.dup(1), os.dup(2)
    arguments = sys.argv
    with log.open("a", encoding="utf-8") as file, os.fdopen(os.dup(1), "w", encoding="utf-8") as terminal:
        try:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
            sys.argv = arguments[:1]
            logging.basicConfig(
                stream=sys.stderr,
                force=True,
                level=logging.INFO,
                format="%(asctime)s %(levelname)s %(name)s: %(message)s",
            )
            yield terminal
        finally:
            _flush(sys.stdout, 1)
            _flush(sys.stderr, 2)
            sys.argv = arguments
            for descriptor, copy in zip((1, 2), saved, strict=True):
                os.dup2(copy, descriptor)
                os.close(copy)


def _flush(stream: TextIO, descriptor: int) -> None:
    try:
        stream.flush()
    except OSError:
        # Of a full disk; what the log lacks must not come to the terminal.
        with Path(os.devnull).open("w") as nowhere:
            os.dup2(nowhere.fileno(), descriptor)
        stream.flush()
