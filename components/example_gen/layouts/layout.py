"""What a layout is: how people lay out images and truth, in one object."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from components.example_gen.layouts.settings import Reading
from components.example_gen.samples import Listing


def _reads_nothing_else(_root: Path, _listing: Callable[[], Listing]) -> set[Path]:
    return set()


@dataclass(frozen=True)
class Layout:
    """A layout, as `components.example_gen.layouts.registry` lists it and `[data] layout` names it."""

    name: str
    keys: frozenset[str]
    """The keys of `[data]` that it reads, beside those that every layout does."""
    marks: tuple[tuple[str, ...], ...]
    """By these it is told: all globs of one tuple find something in the folder."""
    listing: Callable[[Path, Reading], Listing]
    """The samples of a folder."""
    patterns: Callable[[Reading], Mapping[str, str]]
    """Globs, relative to the folder, of every file that the listing depends on, each with a name for the driver."""
    ignores: bool = False
    """Whether by itself, without a key that says so, it may leave pixels without truth."""
    discs: bool = False
    """Whether its truth encloses lesions by discs, and does not outline them."""
    also_read: Callable[[Path, Callable[[], Listing]], set[Path]] = _reads_nothing_else
    """What no glob finds; the second argument lists the folder."""
    modules: tuple[str, ...] = ()
    """What it reads with and takes from a registry, and what its version therefore depends on."""
