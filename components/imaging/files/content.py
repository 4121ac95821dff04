"""The bytes of an image file, no more of them than its header lets expect; and whether they lose values."""

from __future__ import annotations

import os
from pathlib import Path

from components.imaging.files import raster
from components.imaging.files.dicom_mark import is_dicom
from components.imaging.files.limits import LIMITS, Limits, decode_within
from components.imaging.files.pnm import HEADER_BYTES, sides_of_pnm
from components.imaging.files.pnm import MAGIC as PNM_MAGIC
from components.imaging.files.unreadable import TooManyPixels, UnreadableImage
from components.reading import opened

# Plain PPM needs most, 3 x 6 bytes a pixel; the spare ones are for headers, thumbnails and what programs add.
_MAX_BYTES_PER_PIXEL = 20
_SPARE_BYTES = 64 * 2**20


def read_content(path: Path, limits: Limits = LIMITS) -> bytes:
    """The bytes of an image file.

    Raises:
        TooManyPixels: it has more than an image of its size, or of the pixels that are allowed, can have; nothing has
            been read.
        UnreadableImage: the file is missing, or cannot be read.
    """
    if "\0" in str(path):
        raise UnreadableImage("cannot be read: no file has a name with a zero byte")
    try:
        with opened(path) as file:
            size = os.fstat(file.fileno()).st_size
            if size > _SPARE_BYTES:
                _refuse_size(path, size, limits)
            # No more than it was said to be, if that was not nothing.
            return file.read(size or _SPARE_BYTES)
    except OSError as error:
        raise UnreadableImage(f"cannot be read: {error.strerror}") from error


def _refuse_size(path: Path, size: int, limits: Limits) -> None:
    if size > _MAX_BYTES_PER_PIXEL * limits.pixels + _SPARE_BYTES:
        raise TooManyPixels(
            f"has {size} bytes, more than an image of the {limits.pixels} pixels that are allowed: "
            "raise [data] max_megapixels to read it"
        )
    width, height = decode_within(limits.seconds, _sides, path)
    if width and size > _MAX_BYTES_PER_PIXEL * width * height + _SPARE_BYTES:
        raise UnreadableImage(
            f"has {size} bytes, more than an image of {width} x {height} pixels can have: save it anew"
        )


def _sides(path: Path) -> tuple[int, int]:
    """Width and height as the header tells them; zeros of volumes and text."""
    with opened(path) as file:
        head = file.read(HEADER_BYTES)
        file.seek(0)
        if head[:2] in PNM_MAGIC:
            return sides_of_pnm(head)
        if is_dicom(head):
            from components.imaging.files.dicom import sides_of_dicom  # pydicom, a tenth of a second, where needed

            return sides_of_dicom(file)
        return raster.open_raster(file).size if raster.is_raster(head) else (0, 0)
