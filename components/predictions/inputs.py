"""The images that are to be predicted, and what each is called in the output."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from components.brief import some
from components.errors import UsageError
from components.example_gen.samples import Reject, image_files, is_left_behind, unread_files, without_suffix
from components.example_gen.tables import decoded
from components.foreign import foreign
from components.imaging.files.codecs import SUFFIXES
from components.imaging.slides import opened as slides
from components.reading import read_bytes
from components.texts import MOST_TEXT, rows_of

_COLUMN = "image"
_TABLE = ".csv"
_LONGEST = 180
"""Bytes of a name, which gets a suffix, and another while it is written: file systems take 255."""
_SHOWN = 5
_SUFFIXES = SUFFIXES | slides.SUFFIXES


@dataclass(frozen=True)
class Given:
    """An image that is asked about."""

    path: Path
    file: str
    """Its path below the folder that was given, with `/` between its parts; or an id."""
    hidden: bool = False
    """Whether that is an id, and nothing else is written of where it was."""

    @property
    def name(self) -> str:
        """Of what is written of it, without the suffix."""
        return without_suffix(PurePath(self.file)).as_posix()

    @property
    def told(self) -> str:
        """What is written of where it was."""
        return self.file if self.hidden else str(self.path)


@dataclass(frozen=True)
class Inputs:
    images: list[Given]
    not_read: list[Reject]
    """What else stands in the folders."""


def inputs_of(paths: Sequence[Path], out: Path) -> Inputs:
    """Of files, folders with all below them, and tables: CSV with a column `image`, paths relative to the table.

    A file that is named twice is one. Below `out`, where predictions go, nothing is looked for.

    Raises:
        UsageError: one of `paths` is not there, a table cannot be read, there is no image, or two would be named alike.
    """
    found: dict[Path, Given] = {}
    not_read: list[Reject] = []
    for path in paths:
        with foreign(UsageError, f"{path}: cannot be read"):
            is_folder, is_there = path.is_dir(), path.exists()
        if not is_there:
            raise UsageError(f"{path}: there is no such file or folder")
        for each in _below(path, out) if is_folder else _named(path):
            if isinstance(each, Given):
                found.setdefault(each.path.absolute(), each)
            else:
                not_read.append(each)
    images = list(found.values())
    if not images:
        raise UsageError(f"{', '.join(map(str, paths))}: no image. Give files, folders with images, or a table")
    _refuse_alike(images)
    return Inputs(images, not_read)


def _named(path: Path) -> Iterator[Given]:
    if path.suffix.lower() == _TABLE:
        yield from _rows(path)
    else:
        yield Given(path, path.name)


def _below(folder: Path, out: Path) -> Iterator[Given | Reject]:
    closed: list[OSError] = []
    for here, folders, _ in os.walk(folder, onerror=closed.append):
        place = Path(here)
        folders[:] = sorted(name for name in folders if not _is_passed_by(place / name, out))
        for name in folders:
            if (place / name).is_symlink():
                yield Reject(str(place / name), "not read", "a link to a folder: give that folder itself")
        for path in image_files(place, _SUFFIXES):
            yield Given(path, path.relative_to(folder).as_posix())
        for reject in unread_files(folder, place, _SUFFIXES):
            yield Reject(str(folder / reject.source), reject.kind, reject.reason)
    for error in closed:
        yield Reject(str(error.filename), "unreadable", f"cannot be read: {error.strerror}")


def _is_passed_by(folder: Path, out: Path) -> bool:
    """Whether nothing is looked for in it; what belongs to an MRXS slide lies in a folder of its name."""
    of_slide = folder.with_name(f"{folder.name}.mrxs").is_file()
    return is_left_behind(folder.name) or folder.absolute() == out.absolute() or of_slide


def _rows(table: Path) -> Iterator[Given]:
    with foreign(UsageError, f"{table}: cannot be read as a table"):
        rows = rows_of(decoded(read_bytes(table, MOST_TEXT, "divide it")), strict=True)
        columns = rows.fieldnames or ()
        if _COLUMN not in columns:
            raise UsageError(f"{table}: has no column {_COLUMN!r}, found {some(columns) or 'an empty line'}")
        named = [(row[_COLUMN] or "").strip() for row in rows]
    for name in filter(None, named):
        path = PurePath(name)
        within = not path.is_absolute() and ".." not in path.parts
        yield Given(table.parent / path, path.as_posix() if within else path.name)


def _refuse_alike(images: Iterable[Given]) -> None:
    by_name: dict[str, list[Path]] = defaultdict(list)
    for image in images:
        by_name[image.name].append(image.path)
        if len(os.fsencode(PurePath(image.name).name)) > _LONGEST:
            raise UsageError(f"{image.path}: its name has more than {_LONGEST} bytes: rename it")
    alike = [paths for paths in by_name.values() if len(paths) > 1]
    if alike:
        named = [" and ".join(map(str, paths)) for paths in alike]
        more = [f"and {len(alike) - _SHOWN} more"] if len(alike) > _SHOWN else []
        raise UsageError(
            "\n".join(
                [
                    "images that would be named alike in the output. Rename them, give the folder above theirs, below "
                    "which names have their folders, or predict them one after another, each with an --out of its own",
                    *named[:_SHOWN],
                    *more,
                ]
            )
        )
