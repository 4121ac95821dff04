"""Which file an image was, so that what is kept of one is not taken for what another says."""

from __future__ import annotations

from pathlib import Path

from typing_extensions import TypedDict

from components.errors import UsageError
from components.predictions.inputs import Given

REMEDY = "Choose another folder: --out DIR"


class Source(TypedDict):
    path: str
    bytes: int
    modified_ns: int


def source_of(given: Given) -> Source:
    found = given.path.stat()
    path = given.told if given.hidden else str(given.path.absolute())
    return {"path": path, "bytes": found.st_size, "modified_ns": found.st_mtime_ns}


def refuse_other(kept: Path, source: Source, given: Given) -> None:
    """Raises UsageError: what is in the file `kept` is of another image, or of another content, than is given."""
    if not given.path.is_file() or source != source_of(given):
        raise UsageError(
            f"{kept}: is of {source['path']} as it was, and {given.path} is another file, or has changed. {REMEDY}"
        )
