"""Keeps the terminal for people: what libraries print, in Python or below it, goes to a log file."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from components.visible import visible_lines


@contextmanager
def _terminal() -> Iterator[TextIO]:
    """The terminal's standard output, with its encoding."""
    stream = os.fdopen(os.dup(1), "w", encoding=sys.stdout.encoding, errors="backslashreplace")
    try:
        yield stream
    finally:
        # Nobody reads what is left: it is nobody's failure.
        with suppress(BrokenPipeError):
            stream.close()


class _Formatter(logging.Formatter):
    """Lines that are read in a terminal, too."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        return visible_lines(super().format(record))


@contextmanager
def quiet(log: Path) -> Iterator[TextIO]:
    """Sends standard output and error of this process to `log`; yields the terminal's standard output.

    Arguments are hidden too: TFX and Beam read `sys.argv` as their own.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    saved = os.dup(1), os.dup(2)
    arguments = sys.argv
    with log.open("a", encoding="utf-8") as file, _terminal() as terminal:
        try:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
            sys.argv = arguments[:1]
            handler = logging.StreamHandler(sys.stderr)
            handler.setFormatter(_Formatter())
            logging.basicConfig(handlers=[handler], force=True, level=logging.INFO)
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
