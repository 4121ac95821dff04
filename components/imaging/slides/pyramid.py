"""Tiled pyramidal OME-TIFF, written by rows of tiles."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any, BinaryIO
from uuid import NAMESPACE_URL, uuid5

import cv2
import numpy as np
import tifffile

from components.imaging.files.spacing import Spacing
from components.imaging.slides.plane import TILE, Plane

_MICROMETRES = 1000
_LEVEL = 1
"""Of Deflate: others take several times the time and save a tenth."""

Half = Callable[[np.ndarray], np.ndarray]
"""Rows `(h, w)` at half the size, `(ceil(h / 2), ceil(w / 2))`."""


def nearest(rows: np.ndarray) -> np.ndarray:
    """Of each square of four pixels the first: no new values."""
    return np.ascontiguousarray(rows[::2, ::2])


def mean(rows: np.ndarray) -> np.ndarray:
    """Of each square of four pixels their mean; at an odd border of those that there are."""
    even = np.pad(rows, [(0, side % 2) for side in rows.shape], mode="edge")
    return cv2.resize(even, (even.shape[1] // 2, even.shape[0] // 2), interpolation=cv2.INTER_AREA)


def write_pyramid(file: BinaryIO, plane: Plane, half: Half, spacing: Spacing | None = None) -> None:
    """A plane and its halves, down to one tile, as sub-resolutions of one image: tiles of 512, Deflate.

    Memory holds some rows of tiles; the levels below the plane wait in files without a name beside `file`. Of the same
    values it is the same file.

    Args:
        file: on a disk, open for writing.
        plane: uint8 or uint16.
        half: what makes a level of the one before: `nearest` or `mean`.
        spacing: height and width of a pixel in mm.
    """
    with ExitStack() as stack:
        levels = [_Level(plane.height, plane.width, half, file)]
        while max(levels[-1].height, levels[-1].width) > TILE:
            levels.append(levels[-1].following(stack.enter_context(TemporaryFile(dir=Path(file.name).parent))))
        writer = stack.enter_context(tifffile.TiffWriter(file, bigtiff=True, ome=True))
        for number, level in enumerate(levels):
            writer.write(
                level.tiles() if number else _written(plane, levels[0]),
                shape=(level.height, level.width),
                dtype=plane.dtype,
                tile=(TILE, TILE),
                photometric="minisblack",
                compression="adobe_deflate",
                software=False,
                **(_sub_resolution() if number else _full(plane, spacing, len(levels) - 1)),
                **_resolution(spacing, 2**number),
            )


class _Level:
    """A resolution; below the full one its tiles, as they will be in the file, wait in one of its own."""

    def __init__(self, height: int, width: int, half: Half, file: IO[bytes]) -> None:
        self.height, self.width = height, width
        self._file = file
        self._half = half
        self._next: _Level | None = None
        self._pending: list[np.ndarray] = []
        self._sizes: list[int] = []

    def following(self, file: IO[bytes]) -> _Level:
        """The level of half the size, which is filled with this one."""
        self._next = _Level(-(-self.height // 2), -(-self.width // 2), self._half, file)
        return self._next

    def pass_on(self, band: np.ndarray, last: bool) -> None:
        """Half of a row of this level's tiles, to the next: there two are one."""
        if self._next:
            self._pending.append(self._half(band))
            if last or len(self._pending) == 2:
                self._next.keep(np.concatenate(self._pending), last)
                self._pending.clear()

    def keep(self, band: np.ndarray, last: bool) -> None:
        for tile in encoded(band):
            self._sizes.append(self._file.write(tile))
        self.pass_on(band, last)

    def tiles(self) -> Iterator[bytes]:
        self._file.seek(0)
        return map(self._file.read, self._sizes)


def encoded(band: np.ndarray) -> Iterator[bytes]:
    """The tiles of a row of them, black beyond the border."""
    for left in range(0, band.shape[1], TILE):
        tile = band[:, left : left + TILE]
        if tile.shape != (TILE, TILE):
            tile = np.pad(tile, [(0, TILE - side) for side in tile.shape])
        yield zlib.compress(np.ascontiguousarray(tile).data, _LEVEL)


def _written(plane: Plane, level: _Level) -> Iterator[bytes]:
    for number, band in enumerate(plane.bands(), 1):
        # Before the last tile is given, after which nobody asks for more.
        level.pass_on(band, number == plane.count)
        yield from encoded(band)


def _full(plane: Plane, spacing: Spacing | None, subifds: int) -> dict[str, Any]:
    metadata: dict[str, Any] = {
        "axes": "YX",
        "UUID": f"urn:uuid:{uuid5(NAMESPACE_URL, f'{plane.height} {plane.width} {spacing}')}",
        "Creator": "maskline",
    }
    if spacing:
        for axis, length in zip("YX", spacing, strict=True):
            metadata |= {f"PhysicalSize{axis}": length * _MICROMETRES, f"PhysicalSize{axis}Unit": "µm"}
    return {"subifds": subifds, "metadata": metadata}


def _sub_resolution() -> dict[str, Any]:
    return {"subfiletype": 1, "metadata": None}


def _resolution(spacing: Spacing | None, scale: int) -> dict[str, Any]:
    if not spacing:
        return {}
    down, across = (10 / (length * scale) for length in spacing)
    return {"resolution": (across, down), "resolutionunit": "CENTIMETER"}
