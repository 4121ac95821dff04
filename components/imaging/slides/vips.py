"""PNG and JPEG files by rows, decoded from the first on by libvips: memory holds those that are asked for."""

from __future__ import annotations

import os
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from PIL.ImageFile import ImageFile
from PIL.PngImagePlugin import PngImageFile

from components.errors import UsageError
from components.foreign import foreign
from components.imaging.files.magic import JPEG_MAGIC, PNG_MAGIC
from components.imaging.files.orientation import UPRIGHT, orientation_in, turn_name
from components.imaging.files.raster import one_image, refuse_colours
from components.imaging.files.spacing import Spacing
from components.imaging.files.unreadable import UnreadableImage

MAGIC = (PNG_MAGIC, JPEG_MAGIC)
_HEAD = 29
"""Bytes of a PNG to the end of its header, the last of which are depth, kind of colours, two of no choice, and whether
it is interlaced."""
_GRAY = (0, 4)
"""PNG's kinds of colours, without and with alpha."""
_ROWS = 64
"""That are decoded at once."""
_TYPES = {"uchar": np.dtype(np.uint8), "ushort": np.dtype(np.uint16)}


class VipsSlide:
    """As `components.imaging.files.raster` reads the same file, bit by bit. Rows are best asked for from the first on,
    and some of the last again: for any before those all are decoded anew."""

    spacing: Spacing | None = None

    def __init__(self, path: Path, upright: bool) -> None:
        """Raises UnreadableImage: it is of a kind that is not read; nothing has been decoded."""
        # Unbuffered, since of a PNG eight bytes are read here and there.
        with path.open("rb") as file, path.open("rb", buffering=0) as unbuffered:
            header = one_image(file, 2**63)
            refuse_colours(header)
            self.channels, self.dtype = _kind(header, unbuffered.read(_HEAD))
            orientation = orientation_in(header, unbuffered)
        if upright and orientation != UPRIGHT:
            raise UnreadableImage(f"carries {turn_name(orientation)} in its header: save it upright")
        self.width, self.height = header.size
        self.step = self.width
        self._path, self._is_png = path, isinstance(header, PngImageFile)
        self._begin()

    def read(self, top: int, left: int, height: int, width: int) -> np.ndarray:
        return self._rows(top, top + height)[:, left : left + width]

    def close(self) -> None:
        self._begin()

    def _begin(self) -> None:
        """Before the first row, where nothing is held."""
        self._decoder: Any = None
        self._top, self._held = 0, self._empty(0)

    def _rows(self, first: int, last: int) -> np.ndarray:
        """Those from one to before another, which are held for the next call."""
        if first < self._top:
            self._begin()
        done = self._top + len(self._held)
        if last > done:
            rows = self._empty(last - first)
            known = self._held[first - self._top :]
            rows[: len(known)] = known
            for top in range(max(first, done), last, _ROWS):
                end = min(top + _ROWS, last)
                rows[top - first : end - first] = self._decoded(top, end - top)
            self._top, self._held = first, rows
        return self._held[first - self._top : last - self._top]

    def _decoded(self, top: int, height: int) -> np.ndarray:
        with foreign(UnreadableImage, f"is damaged or cut short near row {top}", UsageError):
            # libvips tells of damage once, and then goes on: who asks again begins anew.
            decoder, self._decoder = self._decoder or self._opened(), None
            content = decoder.fetch(0, top, self.width, height)
            self._decoder = decoder
            samples = np.frombuffer(content, self.dtype).reshape(height, self.width, -1)
        return samples[..., 0] if self.channels == 1 else samples[..., :3]

    def _opened(self) -> Any:
        pyvips = load_vips()
        # Where libjpeg warns, it makes up what is damaged; of what libpng warns of some is harmless.
        load, fails = (pyvips.Image.pngload, "error") if self._is_png else (pyvips.Image.jpegload, "warning")
        image = load(os.fsencode(self._path), access="sequential", fail_on=fails)
        found = image.height, image.width, _TYPES.get(image.format)
        if found != (self.height, self.width, self.dtype):
            raise UnreadableImage(f"has {image.width} x {image.height} pixels of type {image.format} for libvips")
        return pyvips.Region.new(image)

    def _empty(self, rows: int) -> np.ndarray:
        return np.empty((rows, self.width) if self.channels == 1 else (rows, self.width, 3), self.dtype)


def load_vips() -> ModuleType:
    """Raises UsageError: it is not installed."""
    try:
        import pyvips
    except (ImportError, OSError) as error:
        raise UsageError("slides cannot be read, pyvips is missing: pip install 'maskline[slides]'") from error
    pyvips.cache_set_max(0)
    return pyvips


def _kind(header: ImageFile, head: bytes) -> tuple[int, np.dtype]:
    """Channels and type.

    Raises:
        UnreadableImage: it is stored so that no part of it is whole before all is.
    """
    if isinstance(header, PngImageFile):
        depth, colours, *_, interlaced = head[-5:]
        if interlaced:
            raise UnreadableImage("is interlaced, so that all of it must be held in memory: save it without")
        return 1 if colours in _GRAY else 3, np.dtype(np.uint16 if depth == 16 else np.uint8)
    if header.info.get("progressive"):
        raise UnreadableImage("is a progressive JPEG, of which all must be held in memory: save it as a baseline one")
    return 1 if header.mode == "L" else 3, np.dtype(np.uint8)
