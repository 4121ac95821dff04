"""What a model's own papers say of what it was trained for, and of how it is asked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from components.artifacts import TRAINING_FILE, Trained
from components.errors import UsageError
from components.foreign import foreign
from components.inference.operating_point import OperatingPoint
from components.records.settings import Derivation
from components.serving_dir import MANIFEST_FILE, data_section
from components.state import broken_named, read_state
from components.task import Task

POINT = "operating_point"


def _trained_config(folder: Path, remedy: str) -> dict[str, Any]:
    """What a model was trained by; of an ensemble its first member, since all were trained for the same."""
    config: dict[str, Any] = read_state(folder / "assets.extra" / TRAINING_FILE, Trained, remedy)["config"]
    return {**config, **config["members"][0]} if config.get("members") else config


def trained_for(folder: Path, remedy: str) -> tuple[Derivation, Task]:
    """What a model sees of an image, and which classes it tells apart.

    Raises:
        UsageError: the model does not say; `remedy` says what to do.
    """
    path = folder / "assets.extra" / TRAINING_FILE
    with foreign(UsageError, f"{path}: does not say what the model was trained for", remedy=remedy):
        config = _trained_config(folder, remedy)
        derivation = Derivation.model_validate_json(json.dumps(config["derivation"]))
        task = Task.model_validate_json(json.dumps(config.get("task") or {"classes": _classes_of_before(folder)}))
    return derivation, task


def _classes_of_before(folder: Path) -> list[str]:
    """Of a model that was made when there was one class, whose name its manifest has where it was pushed."""
    data = data_section(folder) if (folder / MANIFEST_FILE).is_file() else {}
    return data.get("classes") or Task().classes


def stored_point(folder: Path, remedy: str) -> OperatingPoint:
    """How a model's answers become masks; of one that was made before any of it was chosen, its threshold alone.

    Raises:
        BrokenState: the model does not say; `remedy` says what to do.
    """
    config = _trained_config(folder, remedy)
    point = config.get(POINT) or {"threshold": config.get("threshold", OperatingPoint().threshold)}
    with broken_named(folder / "assets.extra" / TRAINING_FILE, remedy):
        return OperatingPoint.model_validate_json(json.dumps(point))
