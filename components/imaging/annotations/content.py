"""The text of a document as what it holds: JSON, XML, a property list or a table. No format is known here."""

from __future__ import annotations

import json
import plistlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from components.foreign import foreign
from components.imaging.truth.shapes import UnclearShape
from components.texts import MOST_TEXT, large_cells, refuse_parts, rows_of

SUFFIXES = frozenset({".json", ".geojson", ".xml", ".csv", ".tsv", ".txt"})
"""Of the files that may be documents."""
_HEAD = 2000
"""Characters in which a property list says that it is one."""


@dataclass(frozen=True)
class Table:
    """Rows under a header, the first line; names of columns in lower case."""

    columns: tuple[str, ...]
    rows: tuple[tuple[int, Mapping[str, str]], ...]
    """Each with the number of its line."""


@dataclass(frozen=True)
class PropertyList:
    """What a `.plist` of Apple's holds."""

    content: Any


def content_of(text: str) -> Any:
    """What JSON holds; an `Element`, which knows no entities; a `PropertyList`; or a `Table`.

    Raises:
        UnclearShape: a text that begins as one of them and is none, or is too long.
    """
    if len(text) > MOST_TEXT:
        raise UnclearShape(f"has {len(text)} characters, more than the {MOST_TEXT} that are read: divide it")
    begin = text[:_HEAD].lstrip()
    if begin.startswith(("{", "[")):
        with foreign(UnclearShape, "not JSON"):
            refuse_parts(text)
            return json.loads(text)
    if not begin.startswith("<"):
        with foreign(UnclearShape, "no table"), large_cells():
            return _table(text)
    if "<plist" in begin:
        with foreign(UnclearShape, "no property list"):
            refuse_parts(text)
            # It names its document type, and refuses entities.
            return PropertyList(plistlib.loads(text.encode(), fmt=plistlib.FMT_XML))
    with foreign(UnclearShape, "not XML"):
        refuse_parts(text)
        return _element(text)


def _table(text: str) -> Table:
    reader = rows_of(text)
    rows = [
        (reader.line_num, {key: (value or "").strip() for key, value in row.items() if isinstance(key, str)})
        for row in reader
    ]
    return Table(tuple(reader.fieldnames or ()), tuple(row for row in rows if any(row[1].values())))


def _element(text: str) -> Element:
    builder = TreeBuilder()
    parser = expat.ParserCreate("utf-8")
    parser.buffer_text = True
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.data
    parser.StartDoctypeDeclHandler = _refuse_doctype
    parser.Parse(text.encode(), True)
    return builder.close()


def _refuse_doctype(name: str, *_: object) -> None:
    raise UnclearShape(f"declares a document type {name!r}, by which entities may be defined: remove that line")
