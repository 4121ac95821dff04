"""Texts that others wrote, and the objects that they become: no more than memory holds."""

from __future__ import annotations

import csv
import re
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

MOST_TEXT = 2**27
"""Bytes of a table or a document: what becomes of them takes several times as many."""
MOST_ROWS = 2**20
MOST_CELLS = 2**23
MOST_PARTS = 2**23
_LISTS = 4
"""As much memory an object takes, or an element."""
_MOST_COLUMNS = 10_000
_MOST_DOTS = 500
"""Of a line of TOML: a key of many parts takes the square of their number to read."""
_SEPARATORS = ",;\t"
_LINE = re.compile(r"[^\r\n]*(?:\r\n?|\n)|[^\r\n]+")
_DIVIDE = "divide it"


class TooLarge(ValueError):
    """A text that is not read, for what it would become."""


def refuse_parts(text: str, most: int = MOST_PARTS) -> None:
    """Raises TooLarge: JSON or XML of more parts, hundreds of bytes each, than memory should hold."""
    count = text.count("[") + _LISTS * (text.count("{") + text.count("<") - text.count("</"))
    if count > most:
        raise TooLarge(
            f"has lists, and {_LISTS} times objects or elements, {count} in all, more than the {most} that are read: "
            f"{_DIVIDE}"
        )


def parsed_toml(text: str) -> dict[str, Any]:
    """What TOML says.

    Raises:
        TOMLDecodeError: it is none.
        TooLarge: it would take minutes to read.
    """
    dots = max((line.count(".") for line in text.splitlines()), default=0)
    if dots > _MOST_DOTS:
        raise TooLarge(f"has a line of {dots} dots, more than the {_MOST_DOTS} that are read: divide that line")
    return tomllib.loads(text)


def rows_of(text: str, *, strict: bool = False) -> csv.DictReader[str]:
    """The rows under a header, the first line, which says by what its cells are separated; names of columns in lower
    case. The caller sets the longest cell, see `large_cells`.

    Raises:
        TooLarge: it has more rows, columns or cells than are read.
    """
    header = next(lines_of(text), "")
    separator = max(_SEPARATORS, key=header.count)
    columns = header.count(separator) + 1
    if columns > _MOST_COLUMNS:
        raise TooLarge(f"has {columns} columns, more than the {_MOST_COLUMNS} that are read")
    refuse_large(text, separator, columns)
    reader = csv.DictReader(lines_of(text), delimiter=separator, strict=strict)
    reader.fieldnames = [name.strip().lower() for name in reader.fieldnames or ()]
    return reader


def refuse_large(text: str, separator: str, columns: int) -> None:
    """Raises TooLarge: whoever makes a table of it would need more memory than there may be."""
    rows = text.count("\n") + text.count("\r")
    if rows > MOST_ROWS:
        raise TooLarge(f"has {rows} lines, more than the {MOST_ROWS} that are read: {_DIVIDE}")
    # Of a row that is short all columns are made, of one that is long all cells.
    cells = max(rows * columns, text.count(separator))
    if cells > MOST_CELLS:
        raise TooLarge(f"has {cells} cells, more than the {MOST_CELLS} that are read: {_DIVIDE}")


def lines_of(text: str) -> Iterator[str]:
    """One after another with its end, as `csv` asks for them; a file of all of them would be four copies."""
    return (found[0] for found in _LINE.finditer(text))


@contextmanager
def large_cells() -> Iterator[None]:
    """An outline of many points is longer than the 131,072 characters of a cell that Python reads by default."""
    usual = csv.field_size_limit(MOST_TEXT)
    try:
        yield
    finally:
        csv.field_size_limit(usual)
