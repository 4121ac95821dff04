"""The compression of a TIFF file that could not be read, by its name."""

from __future__ import annotations

from typing import IO

from PIL.ExifTags import Base as Tag
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from components.foreign import foreign
from components.imaging.files.unreadable import UnreadableImage

_READ = frozenset({1, 2, 3, 4, 5, 7, 8, 32773, 32946})
"""None, CCITT, LZW, JPEG, Deflate, PackBits."""
_NAMES = {
    6: "JPEG of the old kind",
    **dict.fromkeys((33003, 33005, 34712), "JPEG 2000"),
    34661: "JBIG",
    **dict.fromkeys((34676, 34677), "SGI LogLuv"),
    34887: "LERC",
    34892: "lossy JPEG of DNG",
    34925: "LZMA",
    50000: "Zstandard",
    50001: "WebP",
    50002: "JPEG XL",
}
_BIG = 43


def refuse_compression(file: IO[bytes]) -> None:
    """Raises UnreadableImage: the first image of a TIFF file is compressed in a way that is not read, or is damaged."""
    file.seek(0)
    with foreign(UnreadableImage, "not a whole TIFF image: its header is damaged"):
        header = file.read(8)
        directory = ImageFileDirectory_v2(header + file.read(8) if header[2] == _BIG else header)
        file.seek(directory.next)
        directory.load(file)
        compression = directory.get(Tag.Compression, 1)
    refuse_unless_read(compression)


def refuse_unless_read(compression: int) -> None:
    """Raises UnreadableImage: TIFF's number of a compression that is not read."""
    if compression not in _READ:
        name = f"{_NAMES[compression]} (TIFF compression {compression})" if compression in _NAMES else compression
        raise UnreadableImage(f"is compressed as {name}, which is not read: save it uncompressed, or by LZW or Deflate")
