"""The file of results: a row for each trial, which is whole or not there."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from components.errors import UsageError
from components.files import locked, write_text
from components.foreign import foreign


@dataclass(frozen=True)
class Key:
    """Which trial."""

    experiment: str
    data: str
    method: str
    batch_size: int
    steps: int
    """As asked for."""
    seed: int
    split: str
    """That is measured."""


@dataclass(frozen=True)
class Row:
    """A trial."""

    key: Key
    n: int
    mean: float
    """Of the Dice of images with foreground, each at the size of its file."""
    median: float
    steps_done: int
    parameters: int
    seconds: float
    processor_seconds: float
    """Of training, its validation included, not of what follows it."""
    config: str
    """Digest of the settings."""
    code: str
    """Version of the training code."""
    cases: list[tuple[str, str, float]]
    """Id, group and Dice of each."""


_TEXT = {"experiment", "data", "method", "split", "config", "code"}
_COLUMNS = [field.name for field in (*fields(Key), *fields(Row)[1:])]


def read_rows(path: Path) -> list[Row]:
    """Those of a file, none where it is missing.

    Raises:
        UsageError: it is no such file.
    """
    if not path.exists():
        return []
    text = path.read_text(encoding="utf-8")
    with foreign(UsageError, f"{path}: not a file of results", remedy="Give another, or remove it."):
        reader = csv.DictReader(io.StringIO(text), strict=True)
        if reader.fieldnames != _COLUMNS:
            raise ValueError(f"its first line is not {','.join(_COLUMNS)}")
        return [_row(cells) for cells in reader]


def append(path: Path, row: Row) -> None:
    """Adds a row: whoever is killed, the file has it whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with locked(path.with_name(f".{path.name}.lock"), wait=True):
        write_text(path, _text([*read_rows(path), row]))


def _text(rows: Iterable[Row]) -> str:
    file = io.StringIO()
    writer = csv.DictWriter(file, _COLUMNS, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        cells = asdict(row)
        writer.writerow({**cells.pop("key"), **cells, "cases": json.dumps(row.cases)})
    return file.getvalue()


def _row(cells: dict[str, str]) -> Row:
    values: dict[str, Any] = {name: cells[name] if name in _TEXT else json.loads(cells[name]) for name in _COLUMNS}
    cases = [tuple(case) for case in values.pop("cases")]
    return Row(Key(**{field.name: values.pop(field.name) for field in fields(Key)}), **values, cases=cases)
