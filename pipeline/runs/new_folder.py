"""Folders that a verb is asked to make: whole, or not at all, and in the place of none that is there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import rmtree
from uuid import uuid4

from components.errors import UsageError


def refuse_existing(out: Path | None) -> None:
    """Raises UsageError: it is there already. Before any work is done; None is nowhere."""
    if out and out.exists():
        raise UsageError(f"{out}: exists, and nothing is overwritten. Choose another folder: --out DIR")


@contextmanager
def new_folder(out: Path) -> Iterator[Path]:
    """A folder that is `out` once all is in it.

    Raises:
        UsageError: it cannot be written, or something has come in its place meanwhile.
    """
    unfinished = out.with_name(f".{out.name}.{uuid4().hex}")
    with _refusing(out):
        unfinished.mkdir(parents=True)
    try:
        yield unfinished
        with _refusing(out):
            unfinished.rename(out)
    finally:
        rmtree(unfinished, ignore_errors=True)


@contextmanager
def _refusing(out: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UsageError(f"{out}: cannot be written: {error.strerror}. Choose another folder: --out DIR") from error
