"""What a folder tells whoever is given it."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Iterator
from pathlib import Path

from PIL import Image


def told_by(folder: Path) -> bytes:
    """The bytes of all files and their names, pictures within pages decoded, and the texts within pictures."""
    return b"\n".join(_told_by(folder))


def _told_by(folder: Path) -> Iterator[bytes]:
    for path in sorted(folder.rglob("*")):
        yield str(path.relative_to(folder)).encode()
        if path.is_file():
            yield path.read_bytes()
            for picture in re.findall(rb"base64,([A-Za-z0-9+/=]+)", path.read_bytes()):
                yield base64.b64decode(picture)
                yield repr(Image.open(io.BytesIO(base64.b64decode(picture))).info).encode()
