"""Links to folders: followed, wherever they lead, unless what they lead to is read where it stands."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from components.example_gen.samples import is_left_behind


def walk(root: Path, onerror: Callable[[OSError], None] | None = None) -> Iterator[tuple[Path, list[str]]]:
    """Each folder below, with the names of its files, both in order; without what file managers leave behind."""
    top = root.resolve()
    for here, folders, names in os.walk(root, onerror=onerror, followlinks=True):
        place = Path(here)
        kept = (name for name in folders if not is_left_behind(name) and not _is_seen_twice(place / name, root, top))
        folders[:] = sorted(kept)
        yield place, sorted(name for name in names if not is_left_behind(name))


def files_under(root: Path) -> Iterator[Path]:
    """All files below a folder."""
    return (here / name for here, names in walk(root) for name in names)


def links_to_folders(root: Path, files: Iterable[Path]) -> dict[Path, Path]:
    """The links among the folders below the root that hold files, with what they lead to."""
    holding = {path.parent for path in files}
    folders = holding.union(*(folder.parents for folder in holding)) - {root, *root.parents}
    return {folder: folder.resolve() for folder in sorted(folders) if folder.is_symlink()}


def without_twins(root: Path, paths: Iterable[Path]) -> Iterator[Path]:
    """Without those that links lead to where the same folder is among them by its own name."""
    paths = list(paths)
    links = links_to_folders(root, paths)
    folders = {path.parent for path in paths}
    linked = {folder for folder in folders if links and not links.keys().isdisjoint((folder, *folder.parents))}
    standing = {root.resolve() / folder.relative_to(root) for folder in folders - linked}
    twins = {folder for folder in linked if folder.resolve() in standing}
    return (path for path in paths if path.parent not in twins)


def _is_seen_twice(folder: Path, root: Path, top: Path) -> bool:
    """Whether it is a link in a circle, or to what stands below the root and is no hidden place."""
    if not folder.is_symlink():
        return False
    target = folder.resolve()
    around = [each.resolve() for each in folder.parents if each.is_relative_to(root)]
    if target in around or top.is_relative_to(target):
        return True
    return target.is_relative_to(top) and not any(map(is_left_behind, target.relative_to(top).parts))
