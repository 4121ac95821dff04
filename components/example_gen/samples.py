"""What a folder of images holds: samples with their truth, found by name, and what cannot be used."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from components.imaging.codecs import SUFFIXES
from components.imaging.shapes import Shape


@dataclass(frozen=True)
class MaskFiles:
    """One or several mask images of an image, paths relative to the input folder."""

    paths: tuple[str, ...]
    classes: tuple[int, ...] = ()
    """The class of each file's foreground. Empty: the files hold one mask each, read by `[data.mask]` and merged."""


@dataclass(frozen=True)
class Drawing:
    """Shapes to be filled; an empty drawing is an image without foreground."""

    shapes: tuple[Shape, ...] = ()
    bottom_left: bool = False
    """Whether y counts upwards from the bottom row, as in the MIAS truth tables: row = height - 1 - y."""
    canvas: tuple[int, int] | None = None
    """Height and width, in the shapes' pixels, of what the image shows; None: the image's own."""


@dataclass(frozen=True)
class Sample:
    """An image and its truth. Paths are relative to the input folder."""

    id: str
    group: str
    """Patient, pair or slide: never split."""
    image: str
    truth: MaskFiles | Drawing
    label: str = ""
    site: str = ""
    """Institute or scanner, for leave-one-site-out."""
    split: str = ""
    """The split that the layout prescribes; empty: `[data.splits]` decides."""


@dataclass(frozen=True)
class Reject:
    """A source that cannot be used: what kind of fault it has, and exactly what."""

    source: str
    kind: str
    reason: str


@dataclass(frozen=True)
class Listing:
    """Everything found in an input folder: each name of an image, a mask or a table row appears once."""

    samples: tuple[Sample, ...]
    rejects: tuple[Reject, ...]
    left_out: tuple[Reject, ...] = ()
    """Sources that the config asks to leave out, such as films without a lesion of the wanted severity."""

    @property
    def sources(self) -> int:
        return len(self.samples) + len(self.rejects) + len(self.left_out)


def image_files(folder: Path) -> Iterator[Path]:
    """The image files of a folder, sorted by name, sub-folders not searched."""
    return (path for path in sorted(folder.iterdir()) if path.suffix.lower() in SUFFIXES and path.is_file())


def unread_files(root: Path, folder: Path) -> Iterator[Reject]:
    """The files of a folder that have no suffix of an image, hidden files left out."""
    for path in sorted(folder.iterdir()):
        if path.is_file() and not path.name.startswith(".") and path.suffix.lower() not in SUFFIXES:
            known = ", ".join(sorted(SUFFIXES))
            reason = f"a file of a kind that is not read; expected {known}"
            yield Reject(path.relative_to(root).as_posix(), "unknown kind of file", reason)


def by_stem(paths: Iterable[Path]) -> dict[str, list[Path]]:
    """Paths keyed by name without suffix."""
    stems: dict[str, list[Path]] = defaultdict(list)
    for path in paths:
        stems[path.stem].append(path)
    return dict(stems)
