"""Folders as they circulate that no layout reads as they stand: what they are, and the way that leads on.

Nothing is read by it: it is what people are told where their folder is not laid out.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

from components.errors import UsageError
from components.example_gen.documents import document_kind
from components.example_gen.layouts.mias import UnclearRow, parse_row
from components.example_gen.layouts.via_rows import is_header
from components.example_gen.listing import detect_layout
from components.example_gen.names import manifest_row, pattern_of
from components.example_gen.samples import NotLaidOut, entries, image_files
from components.example_gen.tables import read_text
from components.imaging.annotations.content import SUFFIXES

_MOST_FOLDERS, _MOST_ENTRIES, _MOST_FILES = 200, 10_000, 50
_ROWS = 2
_OF_MASKS = re.compile(r"masks?|labels?|labelstr|gt|ground.?truth|seg\w*|annotations?|truth|manual", re.IGNORECASE)
_SUFFIX = re.compile(rf"(.+?)[\s_.-]+(?:{_OF_MASKS.pattern})(?:[\W_]?\d+)?", re.IGNORECASE | re.DOTALL)
"""Of a mask that stands beside its image: captures the image's name."""


@dataclass(frozen=True)
class _Pair:
    image: str
    masks: tuple[str, ...]


@contextmanager
def kinds_named(root: Path) -> Iterator[None]:
    """Where a folder is not laid out, the error says of which kind it is, if it is a known one."""
    try:
        yield
    except NotLaidOut as error:
        raise UsageError("\n".join(filter(None, [str(error), recognised(root)]))) from error


def recognised(root: Path) -> str | None:
    """The kind of a folder and what to do, in one text; None where nothing tells it."""
    finders: tuple[Iterator[str], ...] = (_levels(root), _documents(root), _tables(root), _files(root))
    try:
        return next((found for finder in finders for found in finder), None)
    except OSError:
        return None  # a folder that may not be read


def _levels(root: Path) -> Iterator[str]:
    above = root.resolve().parent
    if detect_layout(root) is None and root.resolve().name in ("images", "masks") and detect_layout(above) == "folders":
        yield f"The folder above it is laid out as layout 'folders': give {above}."
    told = [(folder, layout) for folder in _folders(root) if (layout := detect_layout(folder))]
    if len(told) == 1 and detect_layout(root) is None:
        folder, layout = told[0]
        yield f"{folder.name!r} in it is laid out as layout {layout!r}: give {folder}."


def _documents(root: Path) -> Iterator[str]:
    for folder in (root, *_folders(root)):
        for path in islice((path for path in entries(folder) if path.suffix.lower() in SUFFIXES), _MOST_FILES):
            if kind := document_kind(path):
                yield f"{path.relative_to(root).as_posix()} is {kind}."
                return


def _tables(root: Path) -> Iterator[str]:
    for path in islice((path for path in entries(root) if path.suffix.lower() in (".csv", ".txt")), _MOST_FILES):
        try:
            lines = read_text(path).splitlines()
        except OSError:
            continue
        if any(map(is_header, lines[:_MOST_FILES])):
            what, how = "a table of the VGG Image Annotator", 'set [data] layout = "via" and'
        elif any(map(_is_film, lines[:_MOST_FILES])):
            what, how = "a truth table of MIAS films", "choose the recipe mias, and set [data]"
        else:
            continue
        yield f'{path.name} is {what}: {how} table = "{path.name}".'


def _is_film(line: str) -> bool:
    try:
        return parse_row(line) is not None
    except UnclearRow:
        return False


def _files(root: Path) -> Iterator[str]:
    """Images and masks in folders of other names, or beside one another."""
    names = {folder: [path.relative_to(root) for path in image_files(folder)] for folder in (root, *_folders(root, 3))}
    filled = {folder: paths for folder, paths in names.items() if paths}
    for folder, paths in filled.items():
        for other, masks in filled.items():
            if folder.parent == other.parent and _OF_MASKS.search(other.name) and not _OF_MASKS.search(folder.name):
                yield from _two_folders(root, folder, other, paths, masks)
    pairs = [pair for paths in filled.values() for pair in _beside(paths)]
    if pairs:
        yield f"Images and masks stand beside each other, told apart by the masks' names. {_manifest(pairs)}"


def _two_folders(root: Path, folder: Path, other: Path, images: list[Path], masks: list[Path]) -> Iterator[str]:
    ours, theirs = (path.relative_to(root).as_posix() for path in (folder, other))
    what = f"Images stand in {ours!r}, masks in {theirs!r}"
    keys = f'set [data] images = "{ours}" and masks = "{theirs}"'
    stems = {path.stem: path.as_posix() for path in masks}
    if any(path.stem in stems for path in images):
        yield f"{what}: {keys}."
        return
    few = {path.stem: path.as_posix() for path in images[:_MOST_FILES]}
    if pattern := next((pattern_of(image, mask) for image, mask in _within(few, stems)), None):
        yield f"{what}: {keys} and mask_pattern = '{pattern}'."
    elif held := {image: mask for mask, image in _within(stems, few)}:
        nnunet = all(re.search(r"_\d{4}$", image) for image in held)
        more = "nnU-Net's channel suffix, such as _0000," if nnunet else "more than its mask's,"
        pairs = [_Pair(few[image], (stems[mask],)) for image, mask in held.items()]
        yield f"{what}; the name of each image has {more} which no pattern takes away. {_manifest(pairs)}"


def _within(inner: Iterable[str], outer: Iterable[str]) -> Iterator[tuple[str, str]]:
    """The names that other names hold, set off by something that is no letter."""
    return ((one, other) for one in inner for other in outer if one in other and pattern_of(one, other))


def _beside(paths: list[Path]) -> list[_Pair]:
    """The images of one folder with the masks that stand beside them."""
    images = {path.stem: path for path in paths}
    masks: dict[str, list[str]] = defaultdict(list)
    for path in paths:
        match = _SUFFIX.fullmatch(path.stem)
        if match and match[1] in images:
            masks[match[1]].append(path.as_posix())
    return [_Pair(images[stem].as_posix(), tuple(found)) for stem, found in masks.items()]


def _manifest(pairs: list[_Pair]) -> str:
    how = (
        'Name them in a table manifest.csv in the folder, a row for each image, and set [data] layout = "manifest"; '
        "where a patient has several, a column group keeps them in one split:"
    )
    rows = [manifest_row(pair.image, *pair.masks) for pair in pairs[:_ROWS]]
    return "\n".join([how, "image,mask", *rows, *(["..."] if len(pairs) > _ROWS else [])])


def _folders(root: Path, depth: int = 1) -> list[Path]:
    """The folders below one, down to a depth; not all of very many."""
    found = [path for path in islice(entries(root), _MOST_ENTRIES) if path.is_dir()]
    deeper = (below for path in found for below in _folders(path, depth - 1)) if depth > 1 else ()
    return list(islice(chain(found, deeper), _MOST_FOLDERS))
