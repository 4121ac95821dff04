"""What a folder is, told by the names of its files, and by documents beside them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from components.errors import UsageError
from components.example_gen.layouts.templates import Template
from components.example_gen.listing import detect_layout
from components.example_gen.samples import entries
from components.example_gen.spans import find_spans
from pipeline.runs.init.documents import documents_in
from pipeline.runs.init.files import Files, files_below
from pipeline.runs.init.left import tell_left
from pipeline.runs.init.legend import named_classes
from pipeline.runs.init.looks import one_hot_keys, read_or_none
from pipeline.runs.init.observers import tell_several
from pipeline.runs.init.paths import FoundPaths, find_paths
from pipeline.runs.init.published import split_row, unlabelled_row
from pipeline.runs.init.roles import Role, role_of_folder, roles_of
from pipeline.runs.init.understanding import Row, Understanding, masks_told

_SHOWN = 3
_PLAIN = re.compile(r"([^\[\]{}*?\\]+)/\{name\}")
"""A folder that `[data] images` may name."""
_MARKS = "told by its files"
_NAMED_BY_FILES = ("folders", "presplit", "annotations", "via", "bcss")
"""Layouts of which the files tell more than their marks."""


def understand(folder: Path) -> Understanding:
    """Of a folder by its names, and some of its masks and images.

    Raises:
        UsageError: nothing in it is a pair of an image and its truth.
    """
    if spans := find_spans(folder):
        newest = understand(spans[-1].folder)
        if newest.root == spans[-1].folder:
            row = Row("spans", f"{len(spans)} folders, as {newest.root.name}", "data that arrive over time")
            return replace(newest, root=folder, data={**newest.data, "spans": 0}, rows=[row, *newest.rows])
    for root in _roots(folder):
        layout = detect_layout(root)
        if layout and layout not in _NAMED_BY_FILES:
            named = named_classes(root) if layout == "manifest" else {}
            return _moved(
                Understanding(root, {"layout": layout, **named}, rows=[Row("layout", layout, _MARKS)]), folder
            )
        files = files_below(root)
        share = partial(_bright_share, files)
        paths = find_paths([*files.images, *files.arrays], share) or find_paths(_with_texts(files), share)
        found = _of_paths(files, paths) if paths else documents_in(files)
        if found is None and layout:
            found = Understanding(root, {"layout": layout}, rows=[Row("layout", layout, _MARKS)])
        if found:
            found.rows += _links_told(files)
            return _moved(found, folder)
    raise UsageError(_nothing(files_below(folder)))


def _roots(folder: Path) -> Iterator[Path]:
    """The folder, those in it that are laid out, and the one above where it is a part of a data set."""
    yield folder
    if folder.is_dir() and detect_layout(folder) is None:
        yield from (each for each in entries(folder) if each.is_dir() and detect_layout(each) is not None)
    if role_of_folder(folder.resolve().name):
        yield folder.resolve().parent


def _with_texts(files: Files) -> list[str]:
    """Images, and what is text and a mask by its name: no text is an image."""
    names = [*files.images, *(name for name in files.texts if name not in files.images)]
    roles = roles_of(names)
    return [name for name in names if name in files.images or roles[name] == Role.MASK]


def _moved(found: Understanding, asked: Path) -> Understanding:
    if found.root.resolve() != asked.resolve():
        found.rows.insert(0, Row("folder", str(found.root), f"{asked} alone holds no images with their truth"))
    return found


def _of_paths(files: Files, paths: FoundPaths) -> Understanding:
    found = Understanding(files.root, _keys(files, paths), masks=(*paths.masks, *paths.rounds))
    classes = sorted({match["class"] for name in files.images for match in _class_matches(paths, name)})
    if classes:
        found.data["classes"] = classes
    if files.arrays:
        found.data |= one_hot_keys(files.arrays.values())
    found.rows = list(_names_told(paths))
    tell_several(found, paths, files.images, partial(_pixels, files))
    tell_left(found, [*files.images], paths)
    if "{group}" in paths.image:
        found.rows.append(Row("groups", "folders, each taken for a patient", "no group is ever split"))
        found.unsure.append("that folders are patients")
    if "{split}" in paths.image and not paths.splits:
        found.rows.append(Row("folders", "no patients", "they are dates, or number parts of the data: not kept"))
    return found


def _keys(files: Files, paths: FoundPaths) -> dict[str, Any]:
    """Of `[data]`; of a folder of images beside one of masks the plain ones."""
    plain = [_PLAIN.fullmatch(each) for each in (paths.image, *paths.masks, paths.region or "-/{name}")]
    same = all(pair.name in PurePosixPath(pair.mask).name for pair in paths.pairs)
    if len(plain) == 3 and all(plain) and same and files.composed:
        images, masks, regions = (match[1] for match in plain if match)
        return {"layout": "folders", "images": images, "masks": masks, **({"regions": regions} if paths.region else {})}
    return {"layout": "paths", "paths": _table(paths)}


def _table(paths: FoundPaths) -> dict[str, Any]:
    region = {"region": paths.region} if paths.region else {}
    splits = {"splits": dict(paths.splits)} if "{split}" in paths.image else {}
    return {"image": paths.image, "masks": [*paths.masks], **region, **splits}


def _names_told(paths: FoundPaths) -> Iterator[Row]:
    yield Row("layout", f"images at {paths.image}", masks_told(paths.masks))
    some = paths.pairs[:: max(1, len(paths.pairs) // _SHOWN)][:_SHOWN]
    padded = ", but for leading zeros" if any(pair.mask_name for pair in paths.pairs) else ""
    told = "\n".join(f"{pair.image} <- {pair.mask}" for pair in some)
    yield Row("pairs", told, f"they share the part of their names{padded}")
    if paths.region:
        yield Row("region", paths.region, "covers most of each image: pixels outside are not judged")
    if paths.splits:
        yield split_row({word: split for word, split in paths.splits.items() if split != "none"})
    if paths.without:
        yield unlabelled_row({word: len(each) for word, each in paths.without.items()})


def _links_told(files: Files) -> Iterator[Row]:
    told = [f"{link.relative_to(files.root)} leads to {target}" for link, target in files.links.items()]
    if told:
        more = f"\nand {len(told) - _SHOWN} more" if len(told) > _SHOWN else ""
        yield Row("links", "\n".join(told[:_SHOWN]) + more, "followed: what they lead to stands nowhere else below")


def _class_matches(paths: FoundPaths, name: str) -> Iterator[Mapping[str, str]]:
    for template in paths.masks:
        match = Template(template).match(name)
        if match and "class" in match:
            yield match


def _pixels(files: Files, name: str) -> np.ndarray | None:
    return read_or_none(files.images[name]) if name in files.images else None


def _bright_share(files: Files, name: str) -> float:
    pixels = _pixels(files, name)
    return 0.0 if pixels is None else float(np.mean(pixels > 0))


def _nothing(files: Files) -> str:
    kinds = Counter(path.suffix.lower() or "no suffix" for path in files.others)
    more = (
        f", and other files ({', '.join(f'{count} {kind}' for kind, count in kinds.most_common(5))})" if kinds else ""
    )
    return (
        f"{files.root}: holds {len(files.images)} images{more}, and nothing tells which is whose mask: no folder or "
        "name says mask, label, gt, seg or the like. Name them in a table manifest.csv, with the columns image and mask"
    )
