"""Files that others wrote, read so that none can hang a reader or fill the memory: regular ones, up to a size."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path

_KINDS = {
    stat.S_IFIFO: "a named pipe",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
}


class Refused(OSError):
    """A file that is not read, whatever it holds; `strerror` says why."""


@contextmanager
def opened(path: Path) -> Iterator[BufferedReader]:
    """A regular file, or what a link to one leads to; nothing is waited for.

    Raises:
        Refused: something else has that name.
        OSError: it cannot be read.
    """
    # A plain `open` waits for the writer of a named pipe, and a look at it before may be too early.
    with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as file:
        mode = os.fstat(file.fileno()).st_mode
        if not stat.S_ISREG(mode):
            kind = _KINDS.get(stat.S_IFMT(mode), "no file")
            raise Refused(errno.EINVAL, f"is {kind}, expected a file", str(path))
        yield file


def read_bytes(path: Path, most: int, remedy: str = "") -> bytes:
    """All that a file holds, at most `most` bytes, whatever its size is said to be; `remedy` is what to do with more.

    Raises:
        Refused: it holds more, or is no regular file.
        OSError: it cannot be read.
    """
    with opened(path) as file:
        size = os.fstat(file.fileno()).st_size
        # Room is made for all that is asked for.
        content = file.read(size + 1) if size <= most else b""
        if len(content) > size:
            content += file.read(most + 1 - len(content))
    if max(size, len(content)) > most:
        told = f"has more than the {most} bytes that are read of such a file{remedy and f': {remedy}'}"
        raise Refused(errno.EOVERFLOW, told, str(path))
    return content
