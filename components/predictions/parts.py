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
from components.predictions.sources import REMEDY
from components.reading import read_bytes
from components.state import BrokenState, broken_named

MASK = "mask"
_LEVEL = 1
_SPARE = 1024


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
        """All bands of a plane, when all are kept; a band raises BrokenState where its file is not what was kept."""

        def band(number: int) -> np.ndarray:
            rows = min(TILE, self._height - number * TILE)
            size = rows * self._width * np.dtype(dtype).itemsize
            path = self._path(name, number)
            with broken_named(path, REMEDY):
                packer = zlib.decompressobj()
                values = packer.decompress(read_bytes(path, _SPARE + size + size // 100), size + 1)
                if len(values) != size or not packer.eof:
                    raise BrokenState(f"does not hold the {size} bytes of {rows} rows")
            return np.frombuffer(values, dtype).reshape(rows, self._width)

        return Plane(self._height, self._width, np.dtype(dtype), band)

    def _path(self, name: str, number: int) -> Path:
        return self._folder / f"{name}.{number:05d}"
