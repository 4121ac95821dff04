"""Room on a disk: asked for before much is written, and a full disk named, whatever met it."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from components.errors import MasklineError

_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_SAID = (*map(os.strerror, _ERRORS), "database or disk is full")
"""What TensorFlow, SQLite and workers of Beam, whose errors come as text, say of it."""
_TITLE = "disk full: "
_ADVICE = "Make room there, or write elsewhere; then give the same command: it goes on where it ended"


class DiskFull(MasklineError):
    """There is no room for what is to be written. It is no crash: the same again ends in the same way until a person
    has made some."""


def ask_room(folder: Path, size: float, what: str) -> None:
    """Asks whether `size` bytes are free for `what`; of folders that are not there, and of file systems that do not
    say what is free, nothing is asked.

    Raises:
        DiskFull: fewer are.
    """
    free = _free(folder)
    if free < size:
        raise DiskFull(
            f"{_TITLE}{folder}: {what} will take {_megabytes(size)} or more, {_megabytes(free)} are free. {_ADVICE}"
        )


def folder_size(folder: Path) -> int:
    """Bytes of the files in a folder, however deep."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


@contextmanager
def full_disk_named(*folders: Path) -> Iterator[None]:
    """Whatever ends in a full disk becomes `DiskFull`. It names the one of `folders` with the file that could not be
    written, or that file's own; where the file is not told, the one of `folders` with the least room."""
    try:
        yield
    except Exception as error:
        full = _full(error, folders)
        if full is None or full is error:
            raise
        raise full from error


def _full(error: BaseException, folders: tuple[Path, ...]) -> DiskFull | None:
    chain = list(_chain(error))
    for each in chain:
        if isinstance(each, DiskFull):
            return each
        # From a process of its own.
        if (text := str(each)).startswith(_TITLE) or f" {_TITLE}" in text:
            return DiskFull(text)
    said = next((sign for each in chain for sign in _SAID if sign in str(each)), "")
    if not said:
        return None
    folder = _folder_of(chain, folders)
    return DiskFull(f"{_TITLE}{folder}: {said}; {_megabytes(_free(folder))} are free now. {_ADVICE}")


def _folder_of(chain: Iterable[BaseException], folders: tuple[Path, ...]) -> Path:
    for each in chain:
        if isinstance(each, OSError) and each.errno in _ERRORS and isinstance(each.filename, str):
            parent = Path(each.filename).parent
            return next((folder for folder in folders if parent.is_relative_to(folder)), parent)
    return min(folders, key=_free)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error:
        yield error
        error = error.__cause__ or error.__context__


def _free(folder: Path) -> float:
    """Bytes; infinitely many where that is not told."""
    try:
        usage = shutil.disk_usage(folder)
    except OSError:
        return float("inf")
    return usage.free if usage.total else float("inf")


def _megabytes(size: float) -> str:
    return f"{size / 1e6:,.1f} MB" if size < float("inf") else "nobody knows how many MB"
