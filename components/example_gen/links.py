"""Links to folders: followed, wherever they lead, unless what they lead to is read where it stands."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from components.example_gen.samples import is_left_behind


def walk(root: Path, onerror: Callable[[OSError], None] | None = None) -> Iterator[tuple[Path, list[str]]]:
    """Each folder below, with the names of its files, both in order; without what file managers leave behind."""
    top, led_to = root.resolve(), set[Path]()

    def is_followed(folder: Path) -> bool:
        if not folder.is_symlink():
            return True
        target = folder.resolve()
        seen = target in led_to or _is_seen_twice(folder, target, root, top)
        led_to.add(target)
        return not seen

    for here, folders, names in os.walk(root, onerror=onerror, followlinks=True):
        place = Path(here)
        folders[:] = [name for name in sorted(folders) if not is_left_behind(name) and is_followed(place / name)]
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
    """Without those that links lead to where the same folder is among them by its own name, or by another link."""
    paths = list(paths)
    links = links_to_folders(root, paths)
    folders = {path.parent for path in paths}
    linked = {folder for folder in folders if links and not links.keys().isdisjoint((folder, *folder.parents))}
    standing = {root.resolve() / folder.relative_to(root) for folder in folders - linked}
    first = {folder.resolve(): folder for folder in sorted(linked, reverse=True)}
    twins = {folder for folder in linked if folder.resolve() in standing or first[folder.resolve()] != folder}
    return (path for path in paths if path.parent not in twins)


def _is_seen_twice(link: Path, target: Path, root: Path, top: Path) -> bool:
    """Whether a link is in a circle, or leads to what stands below the root and is no hidden place."""
    around = [each.resolve() for each in link.parents if each.is_relative_to(root)]
    if target in around or top.is_relative_to(target):
        return True
    return target.is_relative_to(top) and not any(map(is_left_behind, target.relative_to(top).parts))
