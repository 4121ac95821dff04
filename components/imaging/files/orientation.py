"""The orientation that an image file carries: EXIF of JPEG and PNG, tag 274 of TIFF.

What it is, and what is done about it, is decided here alone: OpenCV does not see the EXIF that follows other metadata.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import IO

import numpy as np
from PIL.ExifTags import Base as Tag
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile

from components.imaging.files.png import png_chunks

UPRIGHT = 1
_TURNS: dict[int, tuple[str, Callable[[np.ndarray], np.ndarray]]] = {
    1: ("none", lambda pixels: pixels),
    2: ("a mirroring", lambda pixels: pixels[:, ::-1]),
    3: ("a turn by 180 degrees", lambda pixels: pixels[::-1, ::-1]),
    4: ("a mirroring upside down", lambda pixels: pixels[::-1]),
    5: ("a mirroring and a turn by 90 degrees", lambda pixels: pixels.swapaxes(0, 1)),
    6: ("a turn by 90 degrees", lambda pixels: pixels[::-1].swapaxes(0, 1)),
    7: ("a mirroring and a turn by 90 degrees", lambda pixels: pixels[::-1, ::-1].swapaxes(0, 1)),
    8: ("a turn by 90 degrees", lambda pixels: pixels[:, ::-1].swapaxes(0, 1)),
}
"""By its number in EXIF: its name, and what makes stored pixels upright."""
_BACK = {6: 8, 8: 6}
"""What undoes a turn, where that is not the same again."""
_ORDERS = {b"II": "<", b"MM": ">"}
_FORMATS = {3: "H", 4: "I"}


def turn_name(orientation: int) -> str:
    return _TURNS[orientation][0]


def turned(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """Stored pixels `(H, W[, C])` as they are to be shown; contiguous."""
    return np.ascontiguousarray(_TURNS[orientation][1](pixels))


def turned_back(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """The inverse of `turned`."""
    return turned(pixels, _BACK.get(orientation, orientation))


def swaps_sides(orientation: int) -> bool:
    """Whether height and width change places."""
    return orientation >= 5


def orientation_in(header: ImageFile, file: IO[bytes]) -> int:
    """1 to 8 as in EXIF; 1, upright, where a file, whose header it is, says nothing or nothing that makes sense.

    Raises:
        UnreadableImage: a PNG file that was cut short.
    """
    found: object = UPRIGHT
    if isinstance(header, TiffImageFile):
        found = header.tag_v2.get(Tag.Orientation)
    elif isinstance(header, JpegImageFile):
        found = _in_exif(header.info.get("exif", b"").removeprefix(b"Exif\0\0"))
    elif isinstance(header, PngImageFile):
        # Wherever it stands; Pillow knows what stands before the pixels.
        places = [(start, end) for kind, start, end in png_chunks(file) if kind == b"eXIf"]
        found = _in_exif(_between(file, *places[0])) if places else UPRIGHT
    return found if isinstance(found, int) and found in _TURNS else UPRIGHT


def _between(file: IO[bytes], start: int, end: int) -> bytes:
    file.seek(start)
    return file.read(end - start)


def _in_exif(block: bytes) -> int:
    """The value of the first such entry in the first directory, 0 for none. EXIF is a TIFF file without an image."""
    order = _ORDERS.get(block[:2], "<")
    try:
        (start,) = struct.unpack_from(f"{order}I", block, 4)
        (count,) = struct.unpack_from(f"{order}H", block, start)
        for entry in range(start + 2, start + 2 + 12 * count, 12):
            tag, kind = struct.unpack_from(f"{order}HH", block, entry)
            if tag == Tag.Orientation:
                return struct.unpack_from(f"{order}{_FORMATS.get(kind, 'H')}", block, entry + 8)[0]
    except struct.error:
        pass  # a damaged block says nothing
    return 0
