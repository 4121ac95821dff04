"""The table of classes beside a manifest, as `maskline convert --to folders` writes it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from components.errors import UsageError
from components.example_gen.tables import read_text
from components.foreign import foreign
from components.imaging.annotations.index_masks import CLASSES
from components.texts import rows_of


def named_classes(root: Path) -> dict[str, Any]:
    """Of `[data]`: names of the class indices 1, 2, ... of masks; nothing where there is no such table, or another one.

    Raises:
        UsageError: it does not name them in their order.
    """
    table = root / CLASSES
    if not table.is_file():
        return {}
    with foreign(UsageError, f"{table}: cannot be read as a table"):
        rows = rows_of(read_text(table))
        if not {"value", "class"} <= {*(rows.fieldnames or ())}:
            return {}
        found = [(row["value"], row["class"]) for row in rows]
    if not found or [value for value, _ in found] != [str(index) for index in range(1, len(found) + 1)]:
        raise UsageError(f"{table}: expected the values 1, 2, ... in their order, each with its class")
    names = [name for _, name in found]
    return {"mask": {"form": "indices"}, **({"classes": names} if names != ["foreground"] else {})}
