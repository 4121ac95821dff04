"""The table of shapes that the VGG Image Annotator exports.

Columns: `filename`, `region_count`, and JSON objects in `file_attributes`, `region_shape_attributes` and
`region_attributes`; one row per shape, one of `region_count` 0 for an image without any. A shape's label is an
attribute named pathology, label or class, of the region or else of the file: text, or the ticked one of several boxes.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, Json

from components.errors import UsageError
from components.example_gen.drawing import class_of
from components.example_gen.tables import faults_named, read_text
from components.foreign import foreign
from components.imaging.annotations.via_shapes import SHAPE, label_of
from components.imaging.truth.shapes import Shape, UnclearShape
from components.texts import large_cells, lines_of, refuse_large


class Row(BaseModel):
    """A row of the table."""

    model_config = ConfigDict(frozen=True)

    filename: str
    region_count: Annotated[int, Field(ge=0)]
    region_id: str = ""
    file_attributes: Json[dict[str, Any]]
    region_shape_attributes: str
    region_attributes: Json[dict[str, Any]]

    def __hash__(self) -> int:
        return hash(repr(self))

    @property
    def has_shape(self) -> bool:
        return self.region_shape_attributes != "{}"

    @property
    def label(self) -> str:
        """In lower case, empty where a shape has none.

        Raises:
            UnclearShape: it has several.
        """
        label = label_of(self.region_attributes) or label_of(self.file_attributes)
        return label if label or self.has_shape else "normal"

    def shape(self, classes: Sequence[str]) -> Shape:
        """Outline and class.

        Raises:
            UnclearShape: a kind of shape that encloses nothing, or nothing in this case; a label that is no class.
        """
        with faults_named():
            outline = SHAPE.validate_json(self.region_shape_attributes).outline()
        return Shape(outline, class_of(self.label, classes))


_SEPARATORS = ",;\t"
"""The first is what it exports; spreadsheets save with the others."""
_LONGEST_HEADER, _MOST_COLUMNS = 10_000, 1000
_COLUMNS = {name for name, field in Row.model_fields.items() if field.is_required()}


@dataclass(frozen=True)
class Table:
    """The rows of each image, and for each image with a row that cannot be read, which and why."""

    name: str
    rows: dict[str, dict[Row, None]]
    """Each once, in their order."""
    unclear: dict[str, str]


def read_table(path: Path) -> Table:
    """Each row once.

    Raises:
        UsageError: it is no table, or no row of it names the columns.
    """
    text = read_text(path)
    with large_cells(), foreign(UsageError, f"{path}: cannot be read"):
        found = next(filter(None, (_table(path.name, text, separator) for separator in _SEPARATORS)), None)
    if found is None:
        raise UsageError(f"{path}: is no table of the VGG Image Annotator: no row names {', '.join(sorted(_COLUMNS))}.")
    return found


def is_header(line: str) -> bool:
    """Whether a line names the columns of such a table."""
    if len(line) > _LONGEST_HEADER:
        return False
    return any(_header(line.split(separator)) for separator in _SEPARATORS)


def _header(cells: Sequence[str]) -> list[str]:
    """The names of the columns; empty where the cells are none."""
    if not len(_COLUMNS) <= len(cells) <= _MOST_COLUMNS:
        return []
    names = [cell.strip().lstrip("#").lower() for cell in cells]
    return names if set(names) >= _COLUMNS else []


def _table(name: str, text: str, separator: str) -> Table | None:
    """None where no row names the columns."""
    table = Table(name, {}, {})
    header: list[str] = []
    refuse_large(text, separator, columns=len(Row.model_fields))
    reader = csv.reader(lines_of(text), delimiter=separator)
    for cells in reader:
        if names := _header(cells):
            header = names
        elif header and any(map(str.strip, cells)):
            _add(table, dict(zip(header, cells, strict=False)), reader.line_num)
    return table if header else None


def _add(table: Table, cells: dict[str, str], line: int) -> None:
    name = cells.get("filename", "").strip() or f"{table.name} line {line}"
    try:
        with faults_named():
            row = Row.model_validate({key: cell.strip() or "{}" for key, cell in cells.items()})
    except UnclearShape as error:
        table.unclear.setdefault(name, f"{table.name} line {line}: {error}")
        return
    table.rows.setdefault(name, {})[row] = None
