"""What a model's own papers say of how it is asked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from components.artifacts import TRAINING_FILE, Trained
from components.inference.operating_point import OperatingPoint
from components.state import broken_named, read_state

POINT = "operating_point"


def trained_config(folder: Path, remedy: str) -> dict[str, Any]:
    """What a model was trained by; of an ensemble its first member, since all were trained for the same."""
    config: dict[str, Any] = read_state(folder / "assets.extra" / TRAINING_FILE, Trained, remedy)["config"]
    return {**config, **config["members"][0]} if config.get("members") else config


def stored_point(folder: Path, remedy: str) -> OperatingPoint:
    """How a model's answers become masks; of one that was made before any of it was chosen, its threshold alone.

    Raises:
        BrokenState: the model does not say; `remedy` says what to do.
    """
    config = trained_config(folder, remedy)
    point = config.get(POINT) or {"threshold": config.get("threshold", OperatingPoint().threshold)}
    with broken_named(folder / "assets.extra" / TRAINING_FILE, remedy):
        return OperatingPoint.model_validate_json(json.dumps(point))
