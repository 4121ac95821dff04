"""The serving folder: one folder per version, each with a `MANIFEST.json`; `CHAMPION.json` names the served one."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, TypeVar

from components.errors import UsageError
from components.files import locked
from components.reading import opened
from components.serving_papers import Configured, Manifest, Pointer, SplitReport
from components.state import BrokenState, broken_named, read_state, shown

CHAMPION_FILE = "CHAMPION.json"
MANIFEST_FILE = "MANIFEST.json"
SPLIT_REPORT_FILE = "split_report.json"
"""Beside the manifest of each version: which source, group and hash is in which split."""

_MOST_BYTES = 2**35
PUT_BACK = f"Put it back, or delete {CHAMPION_FILE} to go on without a champion."
Shape = TypeVar("Shape")


def champion_version(serving: Path) -> str | None:
    """The version that is served now, or None where nothing has been pushed yet.

    Links are followed: whoever may write here may also put a model here.

    Raises:
        BrokenState: the pointer cannot be read, or the version that it names is not there.
    """
    pointer = serving / CHAMPION_FILE
    if not os.path.lexists(pointer):
        return None
    names = read_paper(pointer, Pointer)
    version, following = (_version(names.get(key), key, pointer) for key in ("version", "next"))
    if following and (serving / following).is_dir():
        version = following
    if version is None:
        if following:
            return None
        raise _no_version(None, "version", pointer)
    if not (serving / version / MANIFEST_FILE).is_file():
        missing = f"has no {MANIFEST_FILE}" if (serving / version).is_dir() else "is not there"
        raise BrokenState(f"{pointer}: names version {version}, which {missing}. {PUT_BACK}")
    return version


def is_version(name: str) -> bool:
    """Whether it is the name of a version as TensorFlow Serving reads them: a number of 64 bits, and no path."""
    return re.fullmatch("[0-9]{1,19}", name) is not None and int(name) < 2**63


@contextmanager
def exclusive(serving: Path) -> Iterator[None]:
    """Makes the folder where it is missing, and waits until no other process changes it.

    Raises:
        UsageError: the lock is another user's, or no file.
    """
    serving.mkdir(parents=True, exist_ok=True)
    lock = serving / ".lock"
    with ExitStack() as stack:
        try:
            stack.enter_context(locked(lock, wait=True))
        except OSError as error:
            raise UsageError(
                f"{lock}: cannot be locked: {error.strerror}. Make it yours, or choose another folder: [serving] "
                "destination"
            ) from error
        yield


def versions(serving: Path) -> list[str]:
    """The names of all versions, whole ones alone, the highest last."""
    names = [path.name for path in serving.iterdir() if path.is_dir() and is_version(path.name)]
    return sorted(names, key=int)


def read_manifest(serving: Path, version: str) -> Manifest:
    """What was known of a version when it was pushed."""
    return read_paper(serving / version / MANIFEST_FILE, Manifest)


def data_section(folder: Path) -> dict[str, Any]:
    """The section `[data]` of the config of the version in `folder`, in the keys of today.

    It had `adjust.colour_space` once: "rgb" changed nothing. Any other value stays, and equals no section of today.
    """
    data: dict[str, Any] = {**read_paper(folder / MANIFEST_FILE, Configured)["config"]["data"]}
    if data.get("adjust", {}).get("colour_space") == "rgb":
        del data["adjust"]["colour_space"]
    return data


def content_sha256(folder: Path) -> str:
    """SHA-256 over the names and the bytes of all files of a version, its papers included.

    Raises:
        BrokenState: one of them cannot be read.
    """
    digest = hashlib.sha256()
    with broken_named(folder, PUT_BACK):
        for path in _files(folder):
            with opened(path) as file:
                content = hashlib.file_digest(file, "sha256").hexdigest()
            digest.update(f"{path.relative_to(folder)}\0{content}\0".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def check_files(folder: Path, remedy: str = PUT_BACK) -> None:
    """Whether a version is made of files, before whoever copies or loads it waits for a pipe, or reads without end.

    Raises:
        BrokenState: something else is among them, or a link leads in a circle.
    """
    for path in _files(folder):
        with broken_named(path, remedy), opened(path):
            pass


def _files(folder: Path) -> list[Path]:
    """All of a version, in their order, also those that links to folders lead to.

    Raises:
        BrokenState: such a link leads to what is read already, or they are more than a version has.
    """
    found, led_to = [], {folder.resolve()}
    for here, folders, names in os.walk(folder, followlinks=True):
        found += [Path(here, name) for name in names]
        for link in filter(Path.is_symlink, (Path(here, name) for name in folders)):
            target = link.resolve()
            if target in led_to or folder.resolve().is_relative_to(target):
                raise BrokenState(f"{link}: leads to {target}, which is among its files already. {PUT_BACK}")
            led_to.add(target)
    size = sum(path.stat().st_size for path in found if path.exists())
    if size > _MOST_BYTES:
        raise BrokenState(f"{folder}: has {size} bytes, more than the {_MOST_BYTES} of any version. {PUT_BACK}")
    return sorted(found)


def read_split_report(folder: Path) -> SplitReport | None:
    """What the data gate said of the data of a version, by its folder; None where it was pushed without.

    Reports of earlier versions of Maskline lack some keys, and their records some columns.
    """
    path = folder / SPLIT_REPORT_FILE
    return read_paper(path, SplitReport) if path.is_file() else None


def read_paper(path: Path, shape: type[Shape]) -> Shape:
    """A file of the serving folder, or of a copy of a version, as `read_state`."""
    return read_state(path, shape, PUT_BACK)


def _version(found: object, key: str, pointer: Path) -> str | None:
    """Raises BrokenState: neither null nor the name of a version."""
    # By hand it is easily written as a number.
    name = str(found) if type(found) is int else found
    if name is None or (isinstance(name, str) and is_version(name)):
        return name
    raise _no_version(found, key, pointer)


def _no_version(found: object, key: str, pointer: Path) -> BrokenState:
    return BrokenState(f"{pointer}: {key}: found {shown(found)}, expected the number of a version. {PUT_BACK}")
