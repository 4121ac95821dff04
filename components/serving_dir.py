"""The serving folder: one folder per version, each with a `MANIFEST.json`; `CHAMPION.json` names the served one."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from components.errors import UsageError
from components.files import locked, read_json, write_json

CHAMPION_FILE = "CHAMPION.json"
MANIFEST_FILE = "MANIFEST.json"
SPLIT_REPORT_FILE = "split_report.json"
"""Beside the manifest of each version: which source, group and hash is in which split."""

_UNFINISHED = ".unfinished-"
_WITHOUT = f"delete {CHAMPION_FILE} to go on without a champion."


def champion_version(serving: Path) -> str | None:
    """The version that is served now, or None where nothing has been pushed yet.

    Raises:
        UsageError: the version that the pointer names is not there.
    """
    pointer = serving / CHAMPION_FILE
    if not pointer.is_file():
        return None
    version = str(_read(pointer).get("version"))
    if not (serving / version / MANIFEST_FILE).is_file():
        raise UsageError(f"{pointer}: names version {version}, which is not there. Put it back, or {_WITHOUT}")
    return version


@contextmanager
def exclusive(serving: Path) -> Iterator[None]:
    """Makes the folder where it is missing, and waits until no other process changes it."""
    serving.mkdir(parents=True, exist_ok=True)
    with locked(serving / ".lock", wait=True):
        yield


def read_manifest(serving: Path, version: str) -> dict[str, Any]:
    """What was known of a version when it was pushed."""
    return _read(serving / version / MANIFEST_FILE)


def data_section(folder: Path) -> dict[str, Any]:
    """The section `[data]` of the config of the version in `folder`, in the keys of today.

    It had `adjust.colour_space` once: "rgb" changed nothing. Any other value stays, and equals no section of today.
    """
    data = _read(folder / MANIFEST_FILE)["config"]["data"]
    if data.get("adjust", {}).get("colour_space") == "rgb":
        del data["adjust"]["colour_space"]
    return data


def read_split_report(folder: Path) -> dict[str, Any] | None:
    """What the data gate said of the data of a version, by its folder; None where it was pushed without.

    Reports of earlier versions of Maskline lack some keys, and their records some columns.
    """
    path = folder / SPLIT_REPORT_FILE
    return _read(path) if path.is_file() else None


def _read(path: Path) -> dict[str, Any]:
    """Raises UsageError: the file cannot be read, or holds something else."""
    try:
        found = read_json(path)
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: cannot be read: {error}. Put it back, or {_WITHOUT}") from error
    if not isinstance(found, dict):
        raise UsageError(f"{path}: found {type(found).__name__}, expected an object. Put it back, or {_WITHOUT}")
    return found


def push(model: Path, serving: Path, manifest: Mapping[str, Any], *papers: Path) -> str:
    """Adds a version and makes it the champion; whenever this is interrupted, the old champion stays whole.

    `papers` are files that belong to a version, kept beside its manifest. The caller holds the folder's lock: what
    interrupted pushes left behind is removed. The version is the time in whole seconds, or one more than the
    highest: TensorFlow Serving takes the highest.
    """
    for killed in serving.glob(f"{_UNFINISHED}*"):
        shutil.rmtree(killed)
    version = str(max([int(time.time()), *(int(name) + 1 for name in _versions(serving))]))
    unfinished = serving / f"{_UNFINISHED}{version}"
    shutil.copytree(model, unfinished)
    for paper in papers:
        shutil.copy2(paper, unfinished)
    write_json(unfinished / MANIFEST_FILE, {"version": version, **manifest})
    unfinished.rename(serving / version)
    write_json(serving / CHAMPION_FILE, {"version": version})
    return version


def _versions(serving: Path) -> list[str]:
    return [path.name for path in serving.iterdir() if path.is_dir() and path.name.isdigit()]
