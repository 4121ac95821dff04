"""`maskline check`: what ingestion and the data gate would say of a folder, without a run and its statistics."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import track

from components.data_gate.core import Champion, read_champion, split_report
from components.data_gate.entries import Entry, entry_of
from components.data_gate.near_duplicates import find_near_duplicates
from components.errors import UsageError
from components.example_gen.core import Unusable, records
from components.example_gen.listing import list_samples
from components.example_gen.samples import Listing, Reject
from components.serving_dir import champion_version
from components.splits import split_of
from pipeline.check_tables import print_check
from pipeline.config.loader import load_config
from pipeline.config.model import Config
from pipeline.runners.quiet import quiet

__all__ = ["check_folder", "print_check"]

_MARKS = {"Info.txt": ("mias", "mias"), "train": ("folders", "presplit")}
"""What a folder of a layout holds, and the recipe and layout to read it by."""


def check_folder(
    folder: Path, recipe: str | None, overrides: Sequence[str], serving: Path | None = None
) -> dict[str, Any]:
    """The split report of a folder, with what the data gate would find; anomalies need the statistics of a run.

    Without a recipe a folder with `Info.txt` is read as `mias`, one with `train` as `presplit`, and any other one
    as `folders`. With a serving folder the data are compared with those of its champion.

    Raises:
        UsageError: the folder, or what its layout needs, is missing; or there is no champion.
    """
    champion = _champion(serving) if serving else None
    config = _config(folder, recipe, overrides)
    data = config.data.model_dump()
    entries, account = _read(folder, list_samples(folder, data), data)
    return split_report(entries, account, {}, config.validation.model_dump(), find_near_duplicates, champion)


def _read(folder: Path, listing: Listing, data: dict[str, Any]) -> tuple[list[Entry], dict[str, Any]]:
    """The entries of all samples, and the account of all sources."""
    entries: list[Entry] = []
    rejects = list(listing.rejects)
    # The codecs complain about damaged files in their own words; ours name the file.
    with quiet(Path(os.devnull)) as terminal:
        for sample in track(listing.samples, "Reading", console=Console(file=terminal), transient=True):
            split = sample.split or split_of(sample.group, data["splits"])
            try:
                entries += [entry_of(record, split) for record in records(folder, sample, data, split)]
            except Unusable as error:
                rejects.append(Reject(sample.image, error.kind, error.reason))
    return entries, {
        "sources": listing.sources,
        "rejects": [asdict(reject) for reject in sorted(rejects, key=lambda reject: reject.source)],
        "left_out": [asdict(reject) for reject in listing.left_out],
        "lossy_masks": None,
        "empty_tiles_dropped": 0,
    }


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
