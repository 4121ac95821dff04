"""What the champion's memory makes of the draw of the test split: the one place where runs, checks and slots look."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from components.example_gen.listing import list_members
from components.example_gen.settings import DataSettings
from components.records.splits import Memory, recall
from components.serving_dir import champion_version, split_rows


def held_out(root: Path, data: DataSettings, serving: Path) -> list[str] | None:
    """The groups that are drawn into the test split, where what the champion knows makes them others; else None.

    It is the outcome alone that a run is told, and not the champion: a push does not change it, so what was read of
    the data is reused.

    Args:
        root: the input folder.
        data: the section `[data]` of the config.
        serving: the serving folder.

    Raises:
        UsageError: as `list_members` and `champion_version` do.
    """
    version = champion_version(serving)
    if version is None:
        return None
    rows = split_rows(serving / version)
    memory = Memory(_groups(rows, "test"), _groups(rows, "train", "eval"))
    return recall(list_members(root, data), data.splits, memory)


def _groups(rows: Iterable[Mapping[str, Any]], *splits: str) -> set[str]:
    return {row["group"] for row in rows if row["split"] in splits}
