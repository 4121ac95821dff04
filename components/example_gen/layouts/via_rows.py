"""The table of shapes that the VGG Image Annotator exports.

Columns: `filename`, `region_count`, and JSON objects in `file_attributes`, `region_shape_attributes` and
`region_attributes`; one row per shape, one of `region_count` 0 for an image without any. A shape's label is an
attribute named pathology, label or class, of the region or else of the file: text, or the ticked one of several boxes.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, Json, TypeAdapter

from components.errors import UsageError
from components.example_gen.drawing import class_of
from components.example_gen.tables import faults_named, read_text
from components.foreign import foreign
from components.imaging.truth.shapes import Ellipse, Polygon, Shape, UnclearShape

LABEL_KEYS = ("pathology", "label", "class")
_CELL_CHARACTERS = 2**27
"""A polygon's cell may be longer than the 131,072 characters that the csv module takes unless told otherwise."""

Number = Annotated[float, Field(allow_inf_nan=False)]


class _Shape(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True)


class Circle(_Shape):
    name: Literal["circle"]
    cx: Number
    cy: Number
    r: Number

    def outline(self) -> Ellipse:
        return Ellipse(self.cx, self.cy, self.r, self.r)


class Oval(_Shape):
    name: Literal["ellipse"]
    cx: Number
    cy: Number
    rx: Number
    ry: Number
    theta: Number = 0.0
    """Radians, clockwise as seen; older tables have none."""

    def outline(self) -> Ellipse:
        return Ellipse(self.cx, self.cy, self.rx, self.ry, math.degrees(self.theta))


class Rectangle(_Shape):
    name: Literal["rect"]
    x: Number
    y: Number
    width: Number
    height: Number

    def outline(self) -> Polygon:
        right, bottom = self.x + self.width, self.y + self.height
        return Polygon(((self.x, self.y), (right, self.y), (right, bottom), (self.x, bottom)))


class Outline(_Shape):
    name: Literal["polygon"]
    all_points_x: list[Number]
    all_points_y: list[Number]

    def outline(self) -> Polygon:
        if len(self.all_points_x) != len(self.all_points_y):
            raise UnclearShape(f"a polygon of {len(self.all_points_x)} x and {len(self.all_points_y)} y")
        return Polygon(tuple(zip(self.all_points_x, self.all_points_y, strict=True)))


_SHAPE: TypeAdapter[Circle | Oval | Rectangle | Outline] = TypeAdapter(
    Annotated[Circle | Oval | Rectangle | Outline, Field(discriminator="name")]
)


class Row(BaseModel):
    """A row of the table."""

    model_config = ConfigDict(frozen=True)

    filename: str
    region_count: Annotated[int, Field(ge=0)]
    region_id: str = ""
    file_attributes: Json[dict[str, Any]]
    region_shape_attributes: str
    region_attributes: Json[dict[str, Any]]

    @property
    def has_shape(self) -> bool:
        return self.region_shape_attributes != "{}"

    @property
    def label(self) -> str:
        """In lower case, empty where a shape has none.

        Raises:
            UnclearShape: it has several.
        """
        label = _label(self.region_attributes) or _label(self.file_attributes)
        return label if label or self.has_shape else "normal"

    def shape(self, classes: Sequence[str]) -> Shape:
        """Outline and class.

        Raises:
            UnclearShape: a kind of shape that encloses nothing, or nothing in this case; a label that is no class.
        """
        with faults_named():
            outline = _SHAPE.validate_json(self.region_shape_attributes).outline()
        return Shape(outline, class_of(self.label, classes))


_SEPARATORS = ",;\t"
"""The first is what it exports; spreadsheets save with the others."""
_COLUMNS = {name for name, field in Row.model_fields.items() if field.is_required()}


@dataclass(frozen=True)
class Table:
    """The rows of each image, and for each image with a row that cannot be read, which and why."""

    name: str
    rows: dict[str, list[Row]]
    unclear: dict[str, str]


def read_table(path: Path) -> Table:
    """Each row once.

    Raises:
        UsageError: it is no table, or no row of it names the columns.
    """
    text = read_text(path)
    with _large_cells(), foreign(UsageError, f"{path}: cannot be read"):
        found = next(filter(None, (_table(path.name, text, separator) for separator in _SEPARATORS)), None)
    if found is None:
        raise UsageError(f"{path}: is no table of the VGG Image Annotator: no row names {', '.join(sorted(_COLUMNS))}.")
    return found


def is_header(line: str) -> bool:
    """Whether a line names the columns of such a table."""
    return any(_header(line.split(separator)) for separator in _SEPARATORS)


def _header(cells: Sequence[str]) -> list[str]:
    """The names of the columns; empty where the cells are none."""
    names = [cell.strip().lstrip("#").lower() for cell in cells]
    return names if set(names) >= _COLUMNS else []


def _table(name: str, text: str, separator: str) -> Table | None:
    """None where no row names the columns."""
    table = Table(name, {}, {})
    header: list[str] = []
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    for cells in reader:
        if names := _header(cells):
            header = names
        elif header and any(map(str.strip, cells)):
            _add(table, dict(zip(header, cells, strict=False)), reader.line_num)
    return table if header else None


@contextmanager
def _large_cells() -> Iterator[None]:
    """An outline of many points is longer than the cells that Python reads by default."""
    usual = csv.field_size_limit(_CELL_CHARACTERS)
    try:
        yield
    finally:
        csv.field_size_limit(usual)


def _add(table: Table, cells: dict[str, str], line: int) -> None:
    name = cells.get("filename", "").strip() or f"{table.name} line {line}"
    try:
        with faults_named():
            row = Row.model_validate({key: cell.strip() or "{}" for key, cell in cells.items()})
    except UnclearShape as error:
        table.unclear.setdefault(name, f"{table.name} line {line}: {error}")
        return
    rows = table.rows.setdefault(name, [])
    if row not in rows:
        rows.append(row)


def _label(attributes: Mapping[str, Any]) -> str:
    values = {key.strip().lower(): value for key, value in attributes.items()}
    found = next((values[key] for key in LABEL_KEYS if values.get(key)), "")
    if isinstance(found, Mapping):
        ticked = [name for name, is_ticked in found.items() if is_ticked]
        if len(ticked) > 1:
            raise UnclearShape(f"a shape of several labels: {', '.join(ticked)}")
        found = "".join(ticked)
    return str(found).strip().lower()
