"""What people are told whose folder is not laid out as a config says."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from components.errors import UsageError
from components.example_gen.samples import NotLaidOut


@contextmanager
def pointed_to_init(root: Path) -> Iterator[None]:
    """Where a folder is not laid out, the error names what finds out how it is."""
    try:
        yield
    except NotLaidOut as error:
        raise UsageError(
            f"{error}\n`maskline init {root}` finds out how it is laid out, and writes a recipe"
        ) from error
