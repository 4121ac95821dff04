"""Finds and reads the documents of annotations in a folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from components.errors import UsageError
from components.example_gen.layouts.settings import Reading
from components.example_gen.samples import NotLaidOut, without_suffix
from components.example_gen.tables import read_text
from components.foreign import cause, foreign
from components.imaging.annotations.content import SUFFIXES, content_of
from components.imaging.annotations.document import AnnotatedImage, Format
from components.imaging.annotations.registry import FORMATS
from components.imaging.truth.shapes import UnclearShape

MOST_SHAPES = 2_000_000
"""Of a document."""


@dataclass(frozen=True)
class Document:
    """A file and the images that it tells of, or why it tells of none."""

    path: Path
    format: Format
    images: Sequence[AnnotatedImage]
    fault: str = ""


def documents_of(root: Path, files: Sequence[Path], data: Reading) -> list[Document]:
    """Those among the files of a folder that `[data] table` and `format` ask for; what cannot be read is a fault.

    Raises:
        UsageError: one that the config names is of another format, or several formats and none is set.
        NotLaidOut: there is none.
    """
    table = root / data.table
    candidates = [path for path in files if path.suffix.lower() in SUFFIXES and path.is_relative_to(table)]
    documents = [found for path in candidates if (found := _document(root, path, data, asked=path == table))]
    # Of what cannot be read nothing tells the format.
    names = {document.format.name for document in documents if not document.fault}
    if not documents:
        kinds = ", ".join(FORMATS)
        raise NotLaidOut(f"{table}: no document of annotations, expected one of {kinds}. Set [data] table or layout.")
    if len(names) > 1:
        raise UsageError(f"{table}: documents of {' and '.join(sorted(names))}. Set [data] format, or table to some.")
    return documents


def _document(root: Path, path: Path, data: Reading, *, asked: bool) -> Document | None:
    """None of what is no document of a format that is wanted; an error where the config names it."""
    wanted = [FORMATS[data.format]] if data.format else list(FORMATS.values())
    try:
        content = content_of(read_text(path))
    except (OSError, UnclearShape) as error:
        if asked or path.suffix.lower() not in (".csv", ".tsv", ".txt"):
            return Document(path, wanted[0], (), cause(error))
        return None
    found = next((each for each in wanted if each.told(content)), None)
    if found is None:
        if asked:
            raise UsageError(f"{path}: no document of {' or '.join(each.name for each in wanted)}. Set [data] format.")
        return None
    try:
        with foreign(UnclearShape, "cannot be read"):
            images = found.read(content, without_suffix(path.relative_to(root)).as_posix())
    except UnclearShape as error:
        return Document(path, found, (), str(error))
    count = sum(len(image.pieces) for image in images)
    if count > MOST_SHAPES:
        return Document(path, found, (), f"has {count} shapes, more than the {MOST_SHAPES} that are read: divide it")
    return Document(path, found, images)
