"""`maskline check`: what ingestion and the data gate would say of a folder, without a run and its statistics."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import track

from components.data_gate.core import Champion, read_champion, split_report
from components.data_gate.entries import Entry, entry_of
from components.data_gate.near_duplicates import find_near_duplicates
from components.errors import UsageError
from components.example_gen.account import account
from components.example_gen.core import Unusable, derive, read_source, views
from components.example_gen.listing import list_samples
from components.example_gen.samples import Sample
from components.example_gen.shards import Outcome
from components.parallel import ordered_map
from components.serving_dir import champion_version
from pipeline.check_tables import print_check
from pipeline.config.loader import load_config
from pipeline.config.model import Config
from pipeline.runners.quiet import quiet

__all__ = ["check_folder", "print_check"]

_MARKS = {
    "manifest.csv": ("folders", "manifest"),
    "manifest.toml": ("folders", "manifest"),
    "Info.txt": ("mias", "mias"),
    "train": ("folders", "presplit"),
}
"""What a folder of a layout holds, and the recipe and layout to read it by."""


def check_folder(
    folder: Path, recipe: str | None, overrides: Sequence[str], serving: Path | None = None
) -> dict[str, Any]:
    """The split report of a folder, with what the data gate would find; anomalies need the statistics of a run.

    Without a recipe the layout is told from the folder: `manifest` by its table, `mias` by `Info.txt`, `presplit` by
    `train`, otherwise `folders`. With a serving folder the data are compared with those of its champion.

    Raises:
        UsageError: the folder, or what its layout needs, is missing; or there is no champion.
    """
    champion = _champion(serving) if serving else None
    config = _config(folder, recipe, overrides)
    data = config.data.model_dump()
    listing = list_samples(folder, data)
    found = _examine_all(folder, listing.samples, data, config.execution.workers or os.cpu_count() or 1)
    return split_report(
        [entry for _, entries in found for entry in entries],
        account(listing, [outcome for outcome, _ in found]),
        {},
        config.validation.model_dump(),
        find_near_duplicates,
        champion,
    )


def _examine_all(
    folder: Path, samples: Sequence[Sample], data: Mapping[str, Any], threads: int
) -> list[tuple[Outcome, list[Entry]]]:
    """What becomes of each sample, in their order, and the entries of its records."""
    results = ordered_map(partial(_examine, folder, data), samples, threads)
    # The codecs complain about damaged files in their own words; ours name the file.
    with quiet(Path(os.devnull)) as terminal:
        return list(track(results, "Reading", len(samples), console=Console(file=terminal), transient=True))


def _examine(folder: Path, data: Mapping[str, Any], sample: Sample) -> tuple[Outcome, list[Entry]]:
    try:
        source = read_source(folder, sample, data)
        planned = views(source, data)
        entries = [entry_of(record, sample.split) for record in derive(source, planned, data, sample.split)]
    except Unusable as error:
        return Outcome(sample.image, sample.split, kind=error.kind, reason=str(error)), []
    dropped = len(planned) - len(entries)
    return Outcome(sample.image, sample.split, len(entries), dropped, source.inflation), entries


def _champion(serving: Path) -> Champion:
    version = champion_version(serving)
    if version is None:
        raise UsageError(f"{serving}: has no champion to compare with. Give the folder with CHAMPION.json.")
    return read_champion(serving / version, version)


def _config(folder: Path, recipe: str | None, overrides: Sequence[str]) -> Config:
    if recipe is not None:
        return load_config(recipe, overrides)
    found = (reading for mark, reading in _MARKS.items() if (folder / mark).exists())
    recipe, layout = next(found, ("folders", "folders"))
    return load_config(recipe, [f"data.layout={layout}", *overrides])
