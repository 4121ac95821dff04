"""Files of truth as they circulate: byte order marks, older encodings, and what is wrong with them in one line."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import ValidationError

from components.example_gen.samples import Reject
from components.foreign import cause, foreign
from components.imaging.truth.shapes import UnclearShape
from components.reading import read_bytes
from components.texts import MOST_TEXT

_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
"""Byte order marks; spreadsheets and PowerShell save as UTF-16."""


def decoded(content: bytes) -> str:
    """Text in UTF-8, or in what its byte order mark says.

    Raises:
        UnicodeDecodeError: it is no such text.
    """
    return content.decode(next((codec for mark, codec in _MARKS.items() if content.startswith(mark)), "utf-8"))


def read_text(path: Path) -> str:
    """The text of a file, see `decoded`; any other is read as Latin-1, in which every byte is a character.

    Raises:
        OSError: the file cannot be read, is none, or is too large.
    """
    content = read_bytes(path, MOST_TEXT, "divide it")
    try:
        return decoded(content)
    except UnicodeDecodeError:
        return content.removeprefix(codecs.BOM_UTF8).decode("latin-1")


@contextmanager
def faults_named() -> Iterator[None]:
    """Whatever a parser of truth raises within is an `UnclearShape`, which names where its first fault is, and what."""
    with foreign(UnclearShape, "cannot be read"):
        try:
            yield
        except ValidationError as error:
            raise UnclearShape(cause(error)) from error


def other_files(root: Path, paths: Iterable[Path], suffixes: Iterable[str]) -> Iterator[Reject]:
    """The files that have none of the suffixes, hidden files left out."""
    for path in paths:
        if path.is_file() and not path.name.startswith(".") and path.suffix.lower() not in suffixes:
            reason = f"a file of a kind that is not read; expected {', '.join(sorted(suffixes))}"
            yield Reject(path.relative_to(root).as_posix(), "unknown kind of file", reason)
