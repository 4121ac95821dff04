"""Tables as spreadsheets and PowerShell save them say the same."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from components.example_gen.layouts.manifest import list_manifest
from components.example_gen.layouts.mias import list_mias
from components.example_gen.layouts.settings import Reading
from components.example_gen.layouts.via import list_via
from components.example_gen.samples import Drawing, Listing
from components.imaging.truth.shapes import Ellipse, Shape

CIRCLE = json.dumps({"name": "circle", "cx": 5, "cy": 6, "r": 2})
COLUMNS = [
    "filename",
    "file_size",
    "file_attributes",
    "region_count",
    "region_id",
    "region_shape_attributes",
    "region_attributes",
]
TABLES: dict[str, tuple[str, list[list[str]], Callable[[Path, Reading], Listing]]] = {
    "shapes.csv": ("images/a.png", [COLUMNS, ["a.png", "1", "{}", "1", "0", CIRCLE, "{}"]], list_via),
    "manifest.csv": ("a.png", [["image", "mask", "label"], ["a.png", "", "fröhlich"]], list_manifest),
}


def listed(root: Path, table: str, separator: str, encoding: str) -> Listing:
    image, rows, listing = TABLES[table]
    (root / image).parent.mkdir(parents=True, exist_ok=True)
    (root / image).touch()
    text = io.StringIO()
    csv.writer(text, delimiter=separator).writerows(rows)
    (root / table).write_bytes(text.getvalue().encode(encoding))
    return listing(root, Reading())


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_encodings_and_separators(tmp_path: Path, table: str, separator: str, encoding: str) -> None:
    found = listed(tmp_path, table, separator, encoding)
    assert len(found.samples) == 1
    assert found == listed(tmp_path, table, ",", "utf-8")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
@pytest.mark.parametrize("row", ["mdb001 G CIRC B 535 425 197", "mdb001 G CIRC B 535.0 425.00 197.0"])
def test_a_truth_table_of_films(tmp_path: Path, row: str, encoding: str) -> None:
    (tmp_path / "mdb001.pgm").touch()
    (tmp_path / "Info.txt").write_bytes(f"µm\r\n{row}\r\n".encode(encoding))
    [sample] = list_mias(tmp_path, Reading()).samples
    assert sample.truth == Drawing((Shape(Ellipse(535, 425, 197, 197)),), bottom_left=True, canvas=(1024, 1024))
