"""The file of results: a row for each trial, which is whole or not there."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, get_type_hints

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


def read_rows(path: Path, kind: type[Any] = Row) -> list[Any]:
    """Those of a file, none where it is missing.

    Args:
        path: CSV.
        kind: a dataclass of them, whose first field is `key`, a dataclass too, and whose last are `cases`, tuples.

    Raises:
        UsageError: it is no such file.
    """
    if not path.exists():
        return []
    text = path.read_text(encoding="utf-8")
    with foreign(UsageError, f"{path}: not a file of results", remedy="Give another, or remove it."):
        reader = csv.DictReader(io.StringIO(text), strict=True)
        if reader.fieldnames != _columns(kind):
            raise ValueError(f"its first line is not {','.join(_columns(kind))}")
        return [_row(cells, kind) for cells in reader]


def append(path: Path, *rows: Any) -> None:
    """Adds rows of one kind: whoever is killed, the file has them whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with locked(path.with_name(f".{path.name}.lock"), wait=True):
        write_text(path, _text([*read_rows(path, type(rows[0])), *rows]))


def _text(rows: Sequence[Any]) -> str:
    file = io.StringIO()
    lines = [{**asdict(row.key), **asdict(row), "cases": json.dumps(row.cases)} for row in rows]
    writer = csv.DictWriter(file, _columns(type(rows[0])), lineterminator="\n", extrasaction="ignore")
    writer.writeheader()
    writer.writerows(lines)
    return file.getvalue()


def _columns(kind: type[Any]) -> list[str]:
    return [field.name for field in (*fields(_key_of(kind)), *fields(kind)[1:])]


def _key_of(kind: type[Any]) -> type[Any]:
    return get_type_hints(kind)["key"]


def _row(cells: dict[str, str], kind: type[Any]) -> Any:
    key = _key_of(kind)
    types = {**get_type_hints(key), **get_type_hints(kind)}
    values = {name: cells[name] if types[name] is str else json.loads(cells[name]) for name in _columns(kind)}
    cases = [tuple(case) for case in values.pop("cases")]
    return kind(key(**{field.name: values.pop(field.name) for field in fields(key)}), **values, cases=cases)
