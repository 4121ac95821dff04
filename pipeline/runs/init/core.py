"""`maskline init`: from a folder to a recipe and a picture of it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from components.data_gate.entries import Entry
from components.errors import UsageError
from components.example_gen.listing import list_samples
from components.example_gen.outcome import Outcome, outcome_of
from components.example_gen.samples import Listing, Sample
from components.files import write_bytes
from components.imaging.files.codecs import encode_png
from components.records.record import Record
from pipeline.config.root import Config
from pipeline.runs.examined import Watch, examined
from pipeline.runs.init.description import describe
from pipeline.runs.init.doubles import leave_out_copies
from pipeline.runs.init.kinds import understand
from pipeline.runs.init.learning import begin, size_by_plan
from pipeline.runs.init.left import ask_of_unpaired
from pipeline.runs.init.picture import sheet
from pipeline.runs.init.published import keep_groups_whole, leave_out_unlabelled
from pipeline.runs.init.questions import nobody
from pipeline.runs.init.recipe import recipe_text
from pipeline.runs.init.sharing import share_out
from pipeline.runs.init.understanding import Row, Understanding
from pipeline.runs.plain_path import plain

_PICTURE = ".png"
_MOST_READ = 2000
"""Images up to which all are read; of more some, evenly chosen."""
_SHOWN = 12
_DRAFT = ("data.height=512", "data.width=512")
"""Until the images have been seen."""


@dataclass(frozen=True)
class Written:
    """What `init` has made."""

    found: Understanding
    recipe: Path
    picture: Path
    rejects: list[Outcome]


def refuse_existing(recipe: Path) -> None:
    """Raises UsageError: the recipe or its picture is there, or it is no name for one."""
    if recipe.suffix != ".toml":
        raise UsageError(f"{recipe}: expected the name of a TOML file: --out NAME.toml")
    if not recipe.absolute().parent.is_dir():
        raise UsageError(f"{recipe}: there is no folder {recipe.parent}. Make it, or choose another: --out NAME.toml")
    for path in (recipe, recipe.with_suffix(_PICTURE)):
        if path.exists():
            raise UsageError(f"{path}: is there, and nothing is overwritten. Choose another: --out NAME.toml")


def understood(folder: Path, overrides: Sequence[str]) -> Understanding:
    """A folder by its names and some of its pixels, with what is to be asked; what overrides say stands in it.

    Raises:
        UsageError: it holds no pairs, or none of the images can be read.
    """
    found = understand(folder)
    begin(found)
    found.override([each for each in overrides if not _of_masks(each)])
    drafted = [*(key for key in _DRAFT if key.partition("=")[0] not in _keys(overrides)), *overrides]
    found.config(drafted)  # what a person says must be whole before it is built upon
    found.settle_masks()
    listing = _listing(found, drafted)
    if leave_out_unlabelled(found, listing):
        listing = _listing(found, drafted)
    if not listing.samples:
        reject = listing.rejects[0]
        raise UsageError(f"{found.root}: none of its images can be used, as {reject.source}: {reject.reason}")
    ask_of_unpaired(found, listing)
    describe(found, listing.samples)
    if not _agree(found, overrides):
        # Of another form nothing of what masks tell holds.
        for key in ("mask", "classes"):
            found.data.pop(key, None)
    found.override(overrides)
    if listing.rejects:
        first = listing.rejects[0]
        found.rows.append(Row("rejects", f"{len(listing.rejects)} files", f"{first.source}: {first.reason}"))
    return found


def config_of(folder: Path, overrides: Sequence[str]) -> Config:
    """What a recipe of a folder would say where nobody is asked; as of `understood`."""
    found = understood(folder, overrides)
    found.ask(nobody)
    share_out(found, overrides)
    return found.config(overrides)


def write(found: Understanding, recipe: Path, overrides: Sequence[str], watch: Watch) -> Written:
    """Writes the recipe and the picture of what is understood and has been asked.

    Raises:
        UsageError: the recipe would lie in the data folder, none of the images can be used, or no run can read a folder
            of that name.
    """
    plain(found.root)
    if recipe.resolve().is_relative_to(found.root.resolve()):
        raise UsageError(f"{recipe}: lies in the data folder, into which nothing is written. Choose another: --out")
    listing = _listing(found, overrides)
    outcomes, entries = _read(found, listing, overrides, watch)
    rejects = [outcome for outcome in outcomes if outcome.kind]
    if not entries:
        raise UsageError(f"{found.root}: none of its images can be used, as {rejects[0].source}: {rejects[0].reason}")
    _told_of_pixels(found, outcomes, entries)
    samples = {sample.image: sample for sample in listing.samples}
    config = found.config(overrides)
    leave_out_copies(found, entries, lambda entry: _record(samples[entry.source], found, config).mask)
    if len(entries) < len(listing.samples) and len(listing.samples) > _MOST_READ:
        told = f"looked for among {len(entries)} of {len(listing.samples)} images"
        found.rows.append(Row("copies", told, "a run looks at all"))
    keep_groups_whole(found, overrides)
    share_out(found, overrides)
    png = encode_png(_picture(found, _listing(found, overrides), entries, overrides))
    size_by_plan(found, overrides, _keys(overrides), watch)
    picture = recipe.with_suffix(_PICTURE)
    write_bytes(picture, png)
    write_bytes(recipe, recipe_text(found).encode())
    return Written(found, recipe, picture, rejects)


def _agree(found: Understanding, overrides: Sequence[str]) -> bool:
    """Whether what a person says of masks goes with what they tell."""
    try:
        found.config(overrides)
    except UsageError:
        return False
    return "data.mask.form" not in _keys(overrides)


def _keys(overrides: Sequence[str]) -> set[str]:
    return {override.partition("=")[0].strip() for override in overrides}


def _of_masks(override: str) -> bool:
    """Whether it is of what masks tell, which is told after the files are listed."""
    return override.strip().startswith("data.mask.")


def _listing(found: Understanding, overrides: Sequence[str]) -> Listing:
    return list_samples(found.root, found.config(overrides).records)


def _read(
    found: Understanding, listing: Listing, overrides: Sequence[str], watch: Watch
) -> tuple[list[Outcome], list[Entry]]:
    """What becomes of the images, and an entry of each."""
    samples = listing.samples[:: max(1, -(-len(listing.samples) // _MOST_READ))]
    config = found.config(overrides)
    threads = config.execution.workers or os.cpu_count() or 1
    read = list(watch(examined(found.root, samples, config.records, threads), len(samples)))
    return [outcome for outcome, _ in read], [entries[0] for _, entries in read if entries]


def _told_of_pixels(found: Understanding, outcomes: Sequence[Outcome], entries: Sequence[Entry]) -> None:
    rejected = [outcome for outcome in outcomes if outcome.kind]
    shares = [entry.foreground for entry in entries]
    empty = sum(share == 0 for share in shares)
    told = f"{np.median(shares):.2%} in the median, {max(shares):.2%} at most; {empty} of {len(shares)} have none"
    found.rows.append(Row("foreground", told, f"of {len(outcomes)} images that were read"))
    if rejected:
        first = rejected[0]
        found.rows.append(Row("rejects", f"{len(rejected)} of {len(outcomes)}", f"{first.source}: {first.reason}"))


def _picture(found: Understanding, listing: Listing, entries: Sequence[Entry], overrides: Sequence[str]) -> np.ndarray:
    """Of a dozen images, those first of which the foreground is least like that of the others."""
    config = found.config(overrides)
    usual = float(np.median([entry.foreground for entry in entries]))
    samples = {sample.image: sample for sample in listing.samples}
    left = sorted(
        (entry for entry in entries if entry.source in samples),
        key=lambda entry: (-abs(np.log((entry.foreground + 1e-4) / (usual + 1e-4))), entry.source),
    )
    worst, rest = left[: _SHOWN // 2], left[_SHOWN // 2 :]
    places = np.linspace(0, len(rest) - 1, min(len(rest), _SHOWN - len(worst)))
    chosen = worst + [rest[round(place)] for place in places]
    records = [_record(samples[entry.source], found, config) for entry in chosen]
    captions = [(f"{entry.foreground:.1%}", entry.source) for entry in chosen]
    return sheet(records, captions, config.records.task)


def _record(sample: Sample, found: Understanding, config: Config) -> Record:
    _, records = outcome_of(sample, found.root, config.records, lambda record: record)
    return records[0]
