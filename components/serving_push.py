"""A version joins the serving folder, whole and as the champion, or not at all."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from components.files import flush, flush_names, write_json
from components.serving_dir import CHAMPION_FILE, MANIFEST_FILE, champion_version, check_files, read_manifest, versions
from components.serving_papers import Pointer

UNFINISHED = ".unfinished-"
"""Begins the name of what is no version yet, or no more: the next push removes it."""


def push(model: Path, serving: Path, manifest: Mapping[str, Any], *papers: Path, extra: Path | None = None) -> str:
    """Adds a version and makes it the champion, in one step: it appears whole, and the pointer names it already.

    `papers` are files that belong to a version, kept beside its manifest, `extra` a folder of what joins its
    `assets.extra`. The caller holds the folder's lock.
    """
    with _joining(serving) as folder:
        shutil.copytree(model, folder)
        if extra:
            shutil.copytree(extra, folder / "assets.extra", dirs_exist_ok=True)
        for paper in papers:
            shutil.copy2(paper, folder)
        return _sign(folder, manifest)


def push_again(serving: Path, version: str, changes: Mapping[str, Any]) -> str:
    """As `push`, of a copy of a version with its papers; `changes` are those of its manifest."""
    check_files(serving / version)
    with _joining(serving) as folder:
        shutil.copytree(serving / version, folder)
        return _sign(folder, {**read_manifest(serving, version), **changes})


def remove_version(folder: Path) -> None:
    """A folder, or the link to one."""
    if folder.is_symlink():
        folder.unlink()
    else:
        shutil.rmtree(folder)


@contextmanager
def _joining(serving: Path) -> Iterator[Path]:
    """A folder to be filled and signed, which becomes a version at the end.

    Whenever this is interrupted, the old champion or the new one is served, whole; what interrupted ones have left is
    removed. The version is the time in whole seconds, or one more than the highest: TensorFlow Serving takes the
    highest.
    """
    champion = champion_version(serving)
    for killed in serving.glob(f"{UNFINISHED}*"):
        remove_version(killed)
    for killed in serving.glob(f".{CHAMPION_FILE}.*"):
        killed.unlink()
    version = str(max([int(time.time()), *(int(name) + 1 for name in versions(serving))]))
    folder = serving / f"{UNFINISHED}{version}"
    yield folder
    flush(folder)
    _point(serving, {"version": champion, "next": version})
    folder.rename(serving / version)
    _point(serving, {"version": version})


def _sign(folder: Path, manifest: Mapping[str, Any]) -> str:
    version = folder.name.removeprefix(UNFINISHED)
    write_json(folder / MANIFEST_FILE, {"version": version} | {**manifest, "version": version})
    return version


def _point(serving: Path, pointer: Pointer) -> None:
    write_json(serving / CHAMPION_FILE, pointer)
    flush_names(serving)
