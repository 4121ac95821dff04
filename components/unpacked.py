"""The folder in a `.zip`, for a while: whatever the archive says of itself, what comes out of it is bounded."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from zipfile import ZipFile, ZipInfo

from components.brief import brief
from components.errors import UsageError
from components.foreign import foreign
from components.zipped import archive_of, most_unpacked

_MOST_FILES = 10_000
_MOST_BYTES = 8 * 2**30
_DEEPEST = 32
_CHUNK = 2**20
_UNPACK = "Unpack it yourself, and give the folder"
_ANEW = "Have it packed anew"


@contextmanager
def unpacked(archive: Path, most_files: int = _MOST_FILES, most_bytes: int = _MOST_BYTES) -> Iterator[Path]:
    """A temporary folder with what an archive holds; where that is one folder and nothing else, that one.

    Raises:
        UsageError: it is damaged, encrypted, holds a path outside of itself, a link, or more than is allowed.
    """
    with TemporaryDirectory(prefix="maskline-") as folder:
        with foreign(UsageError, f"{archive}: not a whole .zip file"), archive_of(archive) as source:
            members = [each for each in source.infolist() if not each.is_dir()]
            _refuse(archive, members, most_files)
            most = left = min(most_bytes, most_unpacked(archive))
            for member in members:
                left -= _extract(source, member, Path(folder), left)
                if left < 0:
                    raise UsageError(f"{archive}: holds more than {most / 1e6:,.0f} MB. {_UNPACK}")
        only = list(Path(folder).iterdir())
        yield only[0] if len(only) == 1 and only[0].is_dir() else Path(folder)


def _refuse(archive: Path, members: list[ZipInfo], most_files: int) -> None:
    if len(members) > most_files:
        raise UsageError(f"{archive}: holds {len(members)} files, more than {most_files}. {_UNPACK}")
    for member in members:
        path, name = PurePosixPath(member.filename), repr(brief(member.filename))
        outside = path.is_absolute() or ".." in path.parts or not path.parts or ":" in path.parts[0]
        if outside or "\\" in member.filename:
            raise UsageError(f"{archive}: {name} is no path within it. {_ANEW}")
        if len(path.parts) > _DEEPEST:
            raise UsageError(f"{archive}: {name} lies in {len(path.parts) - 1} folders. {_ANEW}")
        if stat.S_ISLNK(member.external_attr >> 16):
            raise UsageError(f"{archive}: {name} is a link, expected files. {_ANEW}")
    files = {PurePosixPath(member.filename) for member in members}
    folders = {folder for path in files for folder in path.parents}
    if len(files) < len(members) or files & folders:
        raise UsageError(f"{archive}: holds two files, or a file and a folder, of one name. {_ANEW}")
    if len(files) + len(folders) > most_files:
        raise UsageError(
            f"{archive}: holds {len(files)} files in {len(folders)} folders, more than {most_files}. {_UNPACK}"
        )


def _extract(source: ZipFile, member: ZipInfo, folder: Path, most: int) -> int:
    """Bytes that were written: of more than `most`, at most a chunk more."""
    path = folder / member.filename
    path.parent.mkdir(parents=True, exist_ok=True)
    written = 0
    with source.open(member) as content, path.open("xb") as file:
        while written <= most and (chunk := content.read(_CHUNK)):
            written += file.write(chunk)
    return written
