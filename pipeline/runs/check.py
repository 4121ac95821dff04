"""`maskline check`: what ingestion and the data gate would say of a folder, without a run and its statistics."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from components.data_gate.core import Champion, read_champion, split_report
from components.data_gate.near_duplicates import find_near_duplicates
from components.errors import UsageError
from components.example_gen.account import account
from components.example_gen.listing import detect_layout, fingerprint, list_samples
from components.example_gen.memory import held_out
from components.example_gen.spans import find_spans
from components.files import write_json
from components.serving_dir import champion_version
from pipeline.config.loader import load_config
from pipeline.config.root import Config
from pipeline.runs.examined import Watch, examined
from pipeline.runs.init.core import config_of
from pipeline.runs.laid_out import pointed_to_init


def _unwatched(items: Iterable[Any], count: int) -> Iterable[Any]:
    return items


def check_folder(
    folder: Path,
    recipe: str | None,
    overrides: Sequence[str],
    serving: Path | None = None,
    watch: Watch = _unwatched,
) -> dict[str, Any]:
    """The split report of a folder, with what the data gate would find; anomalies need the statistics of a run.

    Without a recipe it is read as `maskline init` understands it. With a serving folder the
    data are split by the memory of its champion, and compared with those that it was made of. `watch` sees the images
    pass.

    Raises:
        UsageError: the folder, or what its layout needs, is missing; or there is no champion.
    """
    return check_config(folder, _config(folder, recipe, overrides), serving, watch)


def check_config(
    folder: Path, config: Config, serving: Path | None = None, watch: Watch = _unwatched
) -> dict[str, Any]:
    """As `check_folder`, by a config."""
    champion = _champion(serving) if serving else None
    data = config.records
    with pointed_to_init(folder):
        files = fingerprint(folder, data)
        listing = list_samples(folder, data, held_out(folder, data, serving) if serving else None)
    threads = config.execution.workers or os.cpu_count() or 1
    found = list(watch(examined(folder, listing.samples, data, threads), len(listing.samples)))
    return split_report(
        [entry for _, entries in found for entry in entries],
        account(listing, [outcome for outcome, _ in found], files, data.run_splits),
        {},
        config.gate,
        find_near_duplicates,
        data,
        champion,
    )


def write_check(path: Path, report: dict[str, Any]) -> None:
    """Writes the report as JSON.

    Raises:
        UsageError: the file cannot be written.
    """
    try:
        write_json(path, report)
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error.strerror}. Choose another file: --out FILE") from error


def _champion(serving: Path) -> Champion:
    version = champion_version(serving)
    if version is None:
        raise UsageError(f"{serving}: has no champion to compare with. Give the folder with CHAMPION.json.")
    return read_champion(serving / version, version)


def _config(folder: Path, recipe: str | None, overrides: Sequence[str]) -> Config:
    if recipe is not None:
        return load_config(recipe, overrides)
    layout = next((each for each in overrides if each.startswith("data.layout=")), None)
    if layout is None and not find_spans(folder):
        return config_of(folder, overrides)
    spans = ["data.spans=0"] if find_spans(folder) else []
    layout = layout or f"data.layout={detect_layout(folder) or 'folders'}"
    return load_config("mias" if layout.endswith("mias") else "folders", [layout, *spans, *overrides])
