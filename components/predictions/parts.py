"""What is finished of the answer to a slide, kept on the disk: a killed command goes on after it."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np

from components.files import write_bytes
from components.imaging.slides.plane import TILE, Plane

MASK = "mask"
_LEVEL = 1


class Parts:
    """By bands of `TILE` rows a file for each plane. That of the mask is written last: where it is, all are."""

    def __init__(self, folder: Path, height: int, width: int) -> None:
        self._folder = folder
        self._height, self._width = height, width

    @property
    def done(self) -> int:
        """Bands that are kept, from the first on."""
        return next(number for number in count() if not self._path(MASK, number).is_file())

    def keep(self, number: int, band: Mapping[str, np.ndarray]) -> None:
        """`(h, width)` of each plane."""
        for name in sorted(band, key=lambda name: name == MASK):
            write_bytes(self._path(name, number), zlib.compress(np.ascontiguousarray(band[name]).data, _LEVEL))

    def plane(self, name: str, dtype: Any) -> Plane:
        """All bands of a plane, when all are kept."""

        def band(number: int) -> np.ndarray:
            values = np.frombuffer(zlib.decompress(self._path(name, number).read_bytes()), dtype)
            return values.reshape(min(TILE, self._height - number * TILE), self._width)

        return Plane(self._height, self._width, np.dtype(dtype), band)

    def _path(self, name: str, number: int) -> Path:
        return self._folder / f"{name}.{number:05d}"
