"""Image files written byte by byte, so that what the codecs read does not come from the codecs."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np

_PNG_COLOUR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}


def pgm(pixels: np.ndarray, maximum: int = 255) -> bytes:
    """Binary PGM (P5) of `(H, W)`; two bytes per pixel, the high one first, where `maximum` is above 255."""
    height, width = pixels.shape
    samples = pixels.astype(">u2" if maximum > 255 else np.uint8)
    return f"P5\n{width} {height}\n{maximum}\n".encode() + samples.tobytes()


def png(pixels: np.ndarray) -> bytes:
    """PNG of `(H, W)` or `(H, W, C)`: gray, gray and alpha, RGB or RGBA; uint8 or uint16; no filter."""
    channels = 1 if pixels.ndim == 2 else pixels.shape[2]
    header = struct.pack(
        ">IIBBBBB", pixels.shape[1], pixels.shape[0], 8 * pixels.itemsize, _PNG_COLOUR_TYPES[channels], 0, 0, 0
    )
    rows = b"".join(b"\0" + row.astype(row.dtype.newbyteorder(">")).tobytes() for row in pixels)
    chunks = (b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks)


def write(path: Path, content: bytes) -> Path:
    """Writes a file and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
