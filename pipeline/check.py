"""`maskline check`: what ingestion and the data gate would say of a folder, without a run and its statistics."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import track
from rich.table import Table

from components.data_gate.core import Entry, find_problems, split_report
from components.example_gen.core import Unusable, derive
from components.example_gen.listing import list_samples
from components.example_gen.samples import Reject, Sample
from components.splits import split_of
from pipeline.config.loader import load_config
from pipeline.config.model import Config, Data
from pipeline.runners.quiet import quiet


def check_folder(folder: Path, recipe: str | None, overrides: Sequence[str]) -> dict[str, Any]:
    """The split report of a folder, with what the data gate would find; anomalies need the statistics of a run.

    Without a recipe a folder with `Info.txt` is read as `mias` and any other one as `folders`.

    Raises:
        UsageError: the folder, or what its layout needs, is missing.
    """
    config = _config(folder, recipe, overrides)
    data = config.data.model_dump()
    listing = list_samples(folder, data)
    entries: list[Entry] = []
    rejects = list(listing.rejects)
    # The codecs complain about damaged files in their own words; ours name the file.
    with quiet(Path(os.devnull)) as terminal:
        for sample in track(listing.samples, "Reading", console=Console(file=terminal), transient=True):
            try:
                entries.append(_entry(folder, sample, data))
            except Unusable as error:
                rejects.append(Reject(sample.image, str(error)))
    accounted = {
        "sources": listing.sources,
        "rejects": [asdict(reject) for reject in sorted(rejects, key=lambda reject: reject.source)],
    }
    problems = find_problems(entries, accounted, {}, config.validation.model_dump())
    return split_report(entries, accounted, problems)


def print_check(report: dict[str, Any]) -> None:
    """The report as tables: the splits, then what is wrong."""
    console = Console(highlight=False)
    table = Table("split", "records", "groups", "with foreground")
    for split, counts in report["splits"].items():
        table.add_row(split, *(str(counts[key]) for key in ("records", "groups", "with_foreground")))
    console.print(table)
    for reject in report["rejects"]:
        console.print(f"rejected {reject['source']}: {reject['reason']}", markup=False, soft_wrap=True)
    for same in report["duplicates_within_a_split"]:
        console.print(f"same pixels: {' and '.join(same)}", markup=False, soft_wrap=True)
    for problem in report["problems"]:
        console.print(f"{problem['kind']}: {problem['message']}", markup=False, soft_wrap=True)
    console.print(f"{report['sources']} sources, {len(report['rejects'])} rejected, {len(report['problems'])} problems")


def _config(folder: Path, recipe: str | None, overrides: Sequence[str]) -> Config:
    if recipe is None:
        recipe = "mias" if (folder / Data.model_fields["truth_table"].default).is_file() else "folders"
    return load_config(recipe, overrides)


def _entry(folder: Path, sample: Sample, data: dict[str, Any]) -> Entry:
    record = derive(folder, sample, data)
    split = split_of(record.group, data["splits"])
    return Entry(
        id=record.id,
        group=record.group,
        source=record.source,
        split=split,
        sha256=record.source_sha256.hex(),
        has_foreground=bool(record.mask.any()),
    )
