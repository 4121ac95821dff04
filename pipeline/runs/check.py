"""`maskline check`: what ingestion and the data gate would say of a folder, without a run and its statistics."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from components.data_gate.core import Champion, read_champion, split_report
from components.data_gate.entries import Entry, entry_of
from components.data_gate.near_duplicates import find_near_duplicates
from components.errors import UsageError
from components.example_gen.account import account
from components.example_gen.listing import detect_layout, fingerprint, list_samples
from components.example_gen.memory import held_out
from components.example_gen.outcome import Outcome, outcome_of
from components.example_gen.samples import Sample
from components.example_gen.settings import DataSettings
from components.example_gen.spans import find_spans
from components.files import write_json
from components.parallel import ordered_map
from components.serving_dir import champion_version
from pipeline.config.loader import load_config
from pipeline.config.root import Config
from pipeline.runs.recognised import kinds_named

Watch = Callable[[Iterable[Any], int], Iterable[Any]]
"""Passes on so many items as they come."""


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

    Without a recipe the layout is told from the folder, `folders` where nothing tells it. With a serving folder the
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
    with kinds_named(folder):
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


def examined(
    folder: Path, samples: Sequence[Sample], data: DataSettings, threads: int
) -> Iterator[tuple[Outcome, list[Entry]]]:
    """What becomes of each sample, in their order, and the entries of its records."""

    def examine(sample: Sample) -> tuple[Outcome, list[Entry]]:
        return outcome_of(sample, folder, data, partial(entry_of, split=sample.split))

    return ordered_map(examine, samples, threads)


def _champion(serving: Path) -> Champion:
    version = champion_version(serving)
    if version is None:
        raise UsageError(f"{serving}: has no champion to compare with. Give the folder with CHAMPION.json.")
    return read_champion(serving / version, version)


def _config(folder: Path, recipe: str | None, overrides: Sequence[str]) -> Config:
    if recipe is not None:
        return load_config(recipe, overrides)
    layout = detect_layout(folder) or "folders"
    spans = ["data.spans=0"] if find_spans(folder) else []
    return load_config("mias" if layout == "mias" else "folders", [f"data.layout={layout}", *spans, *overrides])
