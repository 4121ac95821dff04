"""How a folder of images is read: by a recipe, or as `maskline init` understands it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from components.errors import UsageError
from components.example_gen.listing import detect_layout
from components.example_gen.spans import find_spans
from pipeline.config.loader import load_config
from pipeline.config.root import Config
from pipeline.runs.init.core import config_of


def read_as(folder: Path, recipe: str | None, overrides: Sequence[str]) -> tuple[Path, Config]:
    """The folder that is meant, which without a recipe may be one in it or above, and the config by which it is read.

    What only a person knows of it, and nobody has said, is in `[data] questions`.

    Raises:
        UsageError: there is no such recipe, or nothing in the folder tells how it is read.
    """
    if recipe is not None:
        return folder, load_config(recipe, overrides)
    config = _told_by_files(folder, overrides)
    return Path(config.data.input or folder), config


def _told_by_files(folder: Path, overrides: Sequence[str]) -> Config:
    layout = next((each for each in overrides if each.startswith("data.layout=")), None)
    if layout is None and not find_spans(folder):
        try:
            return config_of(folder, overrides)
        except UsageError:
            # What is laid out is read so that its faults are named one by one.
            if detect_layout(folder) is None:
                raise
    spans = ["data.spans=0"] if find_spans(folder) else []
    layout = layout or f"data.layout={detect_layout(folder) or 'folders'}"
    return load_config("mias" if layout.endswith("mias") else "folders", [layout, *spans, *overrides])
