"""Files that are either the old or the new, never half of one; and locks."""

from __future__ import annotations

import fcntl
import json
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO
from uuid import uuid4

from components.reading import read_bytes
from components.texts import refuse_parts

MOST_BYTES, _MOST_PARTS = 2**30, 2**24
"""Of a paper: the split report of two million records has as many."""
_MOMENT = 0.05
"""Seconds."""


def write_text(path: Path, text: str) -> None:
    """As `write_bytes`, in UTF-8."""
    write_bytes(path, text.encode())


def write_bytes(path: Path, content: bytes) -> None:
    """As `replacing`, all at once."""
    with replacing(path) as file:
        file.write(content)


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A file under a temporary name beside `path`, which is moved into place: the last of several writers wins."""
    # Not the number of the process, which other containers have as well.
    temporary = path.with_name(f".{path.name}.{uuid4().hex}")
    try:
        with temporary.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        # Of a file that is open Python does not say which.
        error.filename = error.filename or str(path)
        raise
    finally:
        temporary.unlink(missing_ok=True)


def remove_unfinished(folder: Path) -> None:
    """Removes what killed writers of `replacing` have left, however deep; no other writer may be at work there."""
    for path in folder.rglob(".*"):
        if re.fullmatch(r"\..+\.[0-9a-f]{32}", path.name) and path.is_file():
            path.unlink()


def write_json(path: Path, value: Any) -> None:
    """As `write_text`, indented JSON. Not-a-numbers are refused: they are not JSON."""
    write_text(path, json.dumps(value, indent=2, allow_nan=False) + "\n")


def flush(folder: Path) -> None:
    """Returns when all that a folder holds is on the disk, and not only with the kernel."""
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())
    for path in (folder, *folder.rglob("*/")):
        flush_names(path)


def flush_names(folder: Path) -> None:
    """As `flush`, of what a folder's entries are called; some file systems over a network cannot say."""
    entries = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):
            os.fsync(entries)
    finally:
        os.close(entries)


@contextmanager
def locked(path: Path, *, wait: bool) -> Iterator[None]:
    """Holds an exclusive lock on a file, made where it is missing. The kernel gives it up when its holder dies.

    What the file contains, its holder may say; looking for the lock changes nothing of it.

    Raises:
        BlockingIOError: another process holds it, and `wait` is false.
    """
    with open(path, "a", opener=_at_once) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            # `is_locked` holds it for a moment.
            time.sleep(_MOMENT)
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield


def is_locked(path: Path) -> bool:
    """Whether a process holds the lock of `locked` on a file, which may be another user's.

    Raises:
        PermissionError: the file cannot be read.
    """
    try:
        with open(path, opener=_at_once) as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def _at_once(name: str, flags: int) -> int:
    """A pipe of that name is not waited for."""
    return os.open(name, flags | os.O_NONBLOCK, 0o666)


def read_json(path: Path) -> Any:
    """The JSON document of a file of ours.

    Raises:
        OSError: it cannot be read, is no file, or larger than any that is written.
        ValueError: it is no JSON.
    """
    text = read_bytes(path, MOST_BYTES).decode()
    refuse_parts(text, _MOST_PARTS)
    return json.loads(text)
