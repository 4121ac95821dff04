"""Layout `presplit`: folders train, valid and test, each of them laid out as `folders`."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

from components.errors import UsageError
from components.example_gen.layouts import folders
from components.example_gen.layouts.layout import Layout
from components.example_gen.layouts.settings import Reading
from components.example_gen.samples import SPLIT_NAMES, Listing, NotLaidOut, Reject, below, entries, merged


def patterns(data: Reading) -> dict[str, str]:
    """Globs of every file that is read."""
    return {f"{name}_{key}": f"{name}/{glob}" for name in SPLIT_NAMES for key, glob in folders.patterns(data).items()}


def list_presplit(root: Path, data: Reading) -> Listing:
    """The pairs of each split. Groups do not tell splits apart: a name that stands in two of them is a leak.

    Raises:
        UsageError: no folder of a split, two folders of one, or one without images or masks.
    """
    names = [name for name in SPLIT_NAMES if (root / name).is_dir()]
    if not names:
        raise NotLaidOut(
            f"{root}: has no folder of a split, expected train, valid and test, each with {data.images!r} and "
            f"{data.masks!r}. Set another layout."
        )
    for one, other in pairwise(names):
        if SPLIT_NAMES[one] == SPLIT_NAMES[other]:
            raise UsageError(f"{root}: {one!r} and {other!r} are both the split {SPLIT_NAMES[one]}. Keep one folder.")
    reason = "not read: a split is a folder named train, valid or test"
    others = Listing((), tuple(Reject(path.name, "split", reason) for path in unknown_folders(root)))
    return merged([*(_split(root, name, data) for name in names), others])


def unknown_folders(root: Path) -> list[Path]:
    """Folders that are no split, sorted: what is in them would be left out unseen."""
    return sorted(path for path in entries(root) if path.is_dir() and path.name not in SPLIT_NAMES)


def _split(root: Path, name: str, data: Reading) -> Listing:
    listing = below(name, folders.list_folders(root / name, data))
    samples = tuple(replace(sample, split=SPLIT_NAMES[name]) for sample in listing.samples)
    return replace(listing, samples=samples)


LAYOUT = Layout(
    name="presplit",
    keys=frozenset({"images", "masks", "regions", "mask_pattern", "mask"}),
    marks=tuple((name,) for name in SPLIT_NAMES),
    listing=list_presplit,
    patterns=patterns,
    also_read=lambda root, _: set(unknown_folders(root)),
)
