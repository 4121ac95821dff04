"""The names of classes beside a manifest."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.errors import UsageError
from pipeline.runs.init.legend import named_classes


@pytest.mark.parametrize(
    ("table", "keys"),
    [
        (
            "value,class,colour\n1,mass,#e69f00\n2,cyst,#009e73\n",
            {"mask": {"form": "indices"}, "classes": ["mass", "cyst"]},
        ),
        ("value,class\n1,foreground\n", {"mask": {"form": "indices"}}),
        (None, {}),
        ("name,id\nmass,1\n", {}),
        ("", {}),
    ],
)
def test_names_of_masks(tmp_path: Path, table: str | None, keys: dict[str, object]) -> None:
    if table is not None:
        (tmp_path / "classes.csv").write_text(table)
    assert named_classes(tmp_path) == keys


@pytest.mark.parametrize("table", ["value,class\n2,mass\n", "value,class\nx,mass\n", "value,class\n"])
def test_another_table_is_named(tmp_path: Path, table: str) -> None:
    (tmp_path / "classes.csv").write_text(table)
    with pytest.raises(UsageError, match=r"classes\.csv: expected the values 1, 2"):
        named_classes(tmp_path)
