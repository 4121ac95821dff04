"""Archives that others packed: what is read of one is bounded, whatever it says of itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO
from zipfile import BadZipFile, ZipFile

from components.reading import opened

_LARGEST_LIST = 2**22
"""Bytes of the list of members, of at least 47 each: Python makes an object of each before anybody can count them."""
_PLAIN = 64 * 2**20
_RATIO = 10


@contextmanager
def archive_of(path: Path) -> Iterator[ZipFile]:
    """An archive in a regular file. Of a member no more is unpacked than its `file_size`.

    Raises:
        BadZipFile: it is none, or lists more members than are read.
        OSError: it cannot be read, or is no file.
    """
    with opened(path) as file, ZipFile(_Bounded(file)) as archive:
        yield archive


def most_unpacked(archive: Path) -> int:
    """Bytes that may come out of an archive: ten times what it weighs, as weights and pixels hardly shrink."""
    return _PLAIN + _RATIO * archive.stat().st_size


def refuse_bomb(path: Path, archive: ZipFile) -> None:
    """Raises BadZipFile: more would come out of it than may."""
    size, most = sum(member.file_size for member in archive.infolist()), most_unpacked(path)
    if size > most:
        raise BadZipFile(f"holds {size} bytes, more than the {most} that are unpacked of such a file")


class _Bounded:
    """A file of which only so much is read at once."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def read(self, size: int = -1) -> bytes:
        content = self._file.read(min(size, _LARGEST_LIST + 1) if size >= 0 else _LARGEST_LIST + 1)
        if len(content) > _LARGEST_LIST:
            raise BadZipFile(f"lists its members in more than {_LARGEST_LIST} bytes")
        return content

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)
