"""Image files written byte by byte, so that what the codecs read does not come from the codecs."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping, Sequence
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


def packed_png(samples: np.ndarray, bits: int, palette: np.ndarray | None = None) -> bytes:
    """PNG of `(H, W)` samples of 1, 2, 4 or 8 bits: gray, or entries of a `(N, 3)` uint8 palette."""
    colour_type = 0 if palette is None else 3
    header = struct.pack(">IIBBBBB", samples.shape[1], samples.shape[0], bits, colour_type, 0, 0, 0)
    rows = b"".join(b"\0" + packed_row(row, bits) for row in samples)
    entries = b"" if palette is None else _chunk(b"PLTE", palette.tobytes())
    chunks = _chunk(b"IHDR", header), entries, _chunk(b"IDAT", zlib.compress(rows)), _chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def packed_row(samples: np.ndarray, bits: int) -> bytes:
    """Samples of up to 16 bits, one after the other, the high bit first; the last byte filled up with zeros."""
    shifts = np.arange(bits - 1, -1, -1)
    return np.packbits(((samples[:, None].astype(int) >> shifts) & 1).astype(np.uint8)).tobytes()


def tiff(
    pixels: np.ndarray,
    order: str = "<",
    tags: Mapping[int, Sequence[int]] | None = None,
    data: bytes | None = None,
    pages: int = 1,
) -> bytes:
    """Uncompressed TIFF of `(H, W)` or `(H, W, C)` in one strip, byte order `<` or `>`.

    `tags` overrides or adds tags, `data` replaces the strip; further pages show the same strip.
    """
    height, width = pixels.shape[:2]
    channels = 1 if pixels.ndim == 2 else pixels.shape[2]
    strip = pixels.astype(pixels.dtype.newbyteorder(order)).tobytes() if data is None else data
    fields = {
        256: [width],
        257: [height],
        258: [8 * pixels.itemsize] * channels,
        259: [1],  # not compressed
        262: [1 if channels < 3 else 2],  # black is zero, or RGB
        273: [8],
        277: [channels],
        278: [height],
        279: [len(strip)],
        339: [{"u": 1, "i": 2, "f": 3}[pixels.dtype.kind]] * channels,
        **(tags or {}),
    }
    content = (b"II" if order == "<" else b"MM") + struct.pack(order + "HI", 42, 8 + len(strip)) + strip
    for page in range(pages):
        content += _directory(fields, order, len(content), last=page == pages - 1)
    return content


def bmp(size: tuple[int, int], bits: int, rows: Sequence[bytes], palette: bytes = b"") -> bytes:
    """Uncompressed BMP of `(width, height)`; rows from the bottom up, each filled up to a multiple of 4 bytes."""
    pixels = b"".join(row + b"\0" * (-len(row) % 4) for row in rows)
    start = 54 + len(palette)
    file_header = b"BM" + struct.pack("<IHHI", start + len(pixels), 0, 0, start)
    colours = len(palette) // 4
    image_header = struct.pack("<IiiHHIIiiII", 40, *size, 1, bits, 0, len(pixels), 0, 0, colours, 0)
    return file_header + image_header + palette + pixels


def gif(
    entries: np.ndarray,
    palette: np.ndarray,
    size: tuple[int, int] | None = None,
    transparent: int | None = None,
    frames: int = 1,
) -> bytes:
    """GIF of `(H, W)` entries of a `(2**n, 3)` uint8 palette, not compressed: the code that empties the table before
    each entry. `size` is the width and height of the image, of which frames fill the upper left."""
    height, width = entries.shape
    bits = len(palette).bit_length() - 1
    least = max(2, bits)
    codes = np.array([code for entry in entries.ravel() for code in (1 << least, entry)] + [(1 << least) + 1])
    stream = np.packbits((codes[:, None] >> np.arange(least + 1) & 1).astype(np.uint8), bitorder="little").tobytes()
    blocks = b"".join(
        bytes([len(block)]) + block for block in (stream[at : at + 255] for at in range(0, len(stream), 255))
    )
    control = b"" if transparent is None else bytes([0x21, 0xF9, 4, 1, 0, 0, transparent, 0])
    frame = control + b"," + struct.pack("<HHHHBB", 0, 0, width, height, 0, least) + blocks + b"\0"
    screen = struct.pack("<HHBBB", *(size or (width, height)), 0x80 | (bits - 1), 0, 0)
    return b"GIF89a" + screen + palette.tobytes() + frame * frames + b";"


def claim_png_size(content: bytes, width: int, height: int) -> bytes:
    """The same PNG with another size in its header."""
    header = struct.pack(">II", width, height) + content[24:29]
    return content[:8] + _chunk(b"IHDR", header) + content[33:]


def write(path: Path, content: bytes) -> Path:
    """Writes a file and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _directory(fields: Mapping[int, Sequence[int]], order: str, start: int, last: bool) -> bytes:
    """A TIFF image file directory at byte `start`; all fields are 4-byte integers."""
    end = start + 2 + 12 * len(fields) + 4
    entries, values = b"", b""
    for tag, numbers in sorted(fields.items()):
        packed = struct.pack(f"{order}{len(numbers)}I", *numbers)
        if len(packed) > 4:
            values, packed = values + packed, struct.pack(order + "I", end + len(values))
        entries += struct.pack(order + "HHI", tag, 4, len(numbers)) + packed
    following = 0 if last else end + len(values)
    return struct.pack(order + "H", len(fields)) + entries + struct.pack(order + "I", following) + values
