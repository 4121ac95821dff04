"""The folder in a `.zip`, for a while: whatever the archive says of itself, what comes out of it is bounded."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from zipfile import ZipFile, ZipInfo

from components.errors import UsageError
from components.foreign import foreign

_MOST_FILES = 10_000
_MOST_BYTES = 8 * 2**30
_CHUNK = 2**20
_UNPACK = "Unpack it yourself, and give the folder"


@contextmanager
def unpacked(archive: Path, most_files: int = _MOST_FILES, most_bytes: int = _MOST_BYTES) -> Iterator[Path]:
    """A temporary folder with what an archive holds; where that is one folder and nothing else, that one.

    Raises:
        UsageError: it is damaged, encrypted, holds a path outside of itself, a link, or more than is allowed.
    """
    with TemporaryDirectory(prefix="maskline-") as folder:
        with foreign(UsageError, f"{archive}: not a whole .zip file"), ZipFile(archive) as source:
            members = [each for each in source.infolist() if not each.is_dir()]
            _refuse(archive, members, most_files)
            left = most_bytes
            for member in members:
                left -= _extract(source, member, Path(folder), left)
                if left < 0:
                    raise UsageError(f"{archive}: holds more than {most_bytes / 1e6:,.0f} MB. {_UNPACK}")
        only = list(Path(folder).iterdir())
        yield only[0] if len(only) == 1 and only[0].is_dir() else Path(folder)


def _refuse(archive: Path, members: list[ZipInfo], most_files: int) -> None:
    if len(members) > most_files:
        raise UsageError(f"{archive}: holds {len(members)} files, more than {most_files}. {_UNPACK}")
    for member in members:
        path = PurePosixPath(member.filename)
        if path.is_absolute() or ".." in path.parts or "\\" in member.filename or ":" in path.parts[0]:
            raise UsageError(f"{archive}: {member.filename!r} is no path within it. Have it packed anew")
        if stat.S_ISLNK(member.external_attr >> 16):
            raise UsageError(f"{archive}: {member.filename!r} is a link, expected files. Have it packed anew")


def _extract(source: ZipFile, member: ZipInfo, folder: Path, most: int) -> int:
    """Bytes that were written: of more than `most`, at most a chunk more."""
    path = folder / member.filename
    path.parent.mkdir(parents=True, exist_ok=True)
    written = 0
    with source.open(member) as content, path.open("xb") as file:
        while written <= most and (chunk := content.read(_CHUNK)):
            written += file.write(chunk)
    return written
