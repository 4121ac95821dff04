"""`maskline predict` as tests call it, and what it leaves."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

from typer.testing import CliRunner, Result

from pipeline.cli.app import app


def predict(*arguments: object) -> tuple[Result, dict[str, Any]]:
    result = CliRunner().invoke(app, ["predict", *map(str, arguments), "--json"])
    return result, json.loads(result.stdout)


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def content(out: Path) -> dict[str, bytes]:
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in out.rglob("*") if path.is_file()}
