"""Folders of images whose truth is written down: tables and documents of annotation tools."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from components.errors import UsageError
from components.example_gen.annotated import Document, documents_of
from components.example_gen.layouts.mias import UnclearRow, parse_row
from components.example_gen.layouts.settings import Reading
from components.example_gen.layouts.via_rows import is_header
from components.example_gen.samples import NotLaidOut, Told, without_suffix
from components.example_gen.tables import read_text
from components.texts import lines_of
from pipeline.runs.init.files import Files
from pipeline.runs.init.splitting import split_word, splits_named
from pipeline.runs.init.understanding import Row, Understanding

_HEAD = 50
"""Lines, and tables, that are looked at."""
_MOST_CLASSES = 24


def documents_in(files: Files) -> Understanding | None:
    """What they are; None where there are none.

    Raises:
        UsageError: documents of several formats.
    """
    for data, why in _tables(files):
        return Understanding(files.root, data, rows=[Row("layout", data["layout"], why)])
    try:
        documents = documents_of(files.root, [*files.others], Reading())
    except NotLaidOut:
        return None
    return _of_documents(files, documents)


def _of_documents(files: Files, documents: list[Document]) -> Understanding:
    names = Counter(piece.label for each in documents for image in each.images for piece in image.pieces)
    first = next((each for each in documents if not each.fault), documents[0])
    what = f"{len(documents)} documents of {first.format.title}, as {first.path.relative_to(files.root)}"
    found = Understanding(files.root, {"layout": "annotations"}, rows=[Row("layout", what, "told by what they hold")])
    if splits := _told_splits(files, documents):
        found.data["told_splits"] = splits
    classes = sorted(name for name in names if name)
    if 1 < len(classes) <= _MOST_CLASSES:
        found.data["classes"] = classes
    told = "\n".join(f"{name or 'without a name'}: {count} shapes" for name, count in names.most_common(_MOST_CLASSES))
    found.rows.append(Row("masks", told or "none", "as the documents name them"))
    if len(classes) > _MOST_CLASSES:
        found.unsure.append(f"that the {len(classes)} names of shapes are one class, foreground")
    return found


def _told_splits(files: Files, documents: Sequence[Document]) -> dict[str, Told]:
    """By names of folders of images, and by those of documents where not all images stand in such folders."""
    folders = [path.relative_to(files.root).parts[:-1] for path in files.images.values()]
    names = {name for parts in folders for name in parts}
    if not all(any(map(split_word, parts)) for parts in folders):
        paths = [without_suffix(each.path.relative_to(files.root)) for each in documents]
        names |= {name for path in paths for name in path.parts}
    splits = splits_named(names)
    return splits if len({*splits.values()}) > 1 else {}


def _tables(files: Files) -> Iterator[tuple[dict[str, Any], str]]:
    """Keys of `[data]` by tables beside the images, and what tells them."""
    tables = (path for path in files.others if path.suffix.lower() in (".csv", ".txt") and path.parent == files.root)
    for path in islice(tables, _HEAD):
        try:
            lines = [*islice(lines_of(read_text(path)), _HEAD)]
        except (OSError, UsageError):
            continue
        if any(map(is_header, lines)):
            folder = Counter(image.parent for image in files.images.values()).most_common(1)[0][0]
            images = folder.relative_to(files.root).as_posix()
            yield {"layout": "via", "table": path.name, "images": images}, f"{path.name} is a table of VIA"
        elif any(map(_is_film, lines)):
            yield {"layout": "mias", "table": path.name}, f"{path.name} is a truth table of MIAS films"


def _is_film(line: str) -> bool:
    try:
        return parse_row(line) is not None
    except UnclearRow:
        return False
