"""What a folder of images holds: samples with their truth, found by name, and what cannot be used."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from components.imaging.codecs import SUFFIXES


@dataclass(frozen=True)
class Lesion:
    """An enclosing disc in pixels, origin at the bottom-left corner as in the MIAS truth table."""

    x: float
    y: float
    radius: float


@dataclass(frozen=True)
class Sample:
    """An image and its truth: a mask file or a list of discs. Paths are relative to the input folder."""

    id: str
    group: str
    image: str
    mask: str | None = None
    lesions: tuple[Lesion, ...] = ()
    label: str = ""


@dataclass(frozen=True)
class Reject:
    """A source that cannot be used, and why."""

    source: str
    reason: str


@dataclass(frozen=True)
class Listing:
    """Everything found in an input folder: each name of an image, a mask or a table row appears once."""

    samples: tuple[Sample, ...]
    rejects: tuple[Reject, ...]

    @property
    def sources(self) -> int:
        return len(self.samples) + len(self.rejects)


def image_files(folder: Path) -> Iterator[Path]:
    """The image files of a folder, sorted by name, sub-folders not searched."""
    return (path for path in sorted(folder.iterdir()) if path.suffix.lower() in SUFFIXES and path.is_file())


def unread_files(root: Path, folder: Path) -> Iterator[Reject]:
    """The files of a folder that have no suffix of an image, hidden files left out."""
    for path in sorted(folder.iterdir()):
        if path.is_file() and not path.name.startswith(".") and path.suffix.lower() not in SUFFIXES:
            known = ", ".join(sorted(SUFFIXES))
            yield Reject(path.relative_to(root).as_posix(), f"a file of a kind that is not read; expected {known}")


def by_stem(paths: Iterable[Path]) -> dict[str, list[Path]]:
    """Paths keyed by name without suffix."""
    stems: dict[str, list[Path]] = defaultdict(list)
    for path in paths:
        stems[path.stem].append(path)
    return dict(stems)
