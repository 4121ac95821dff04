"""The bytes of an image file, no more of them than its header lets expect; and whether they lose values."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO

from components.imaging.files import raster
from components.imaging.files.dicom_mark import PREAMBLE_BYTES, is_dicom
from components.imaging.files.label_text import is_label_text
from components.imaging.files.limits import LIMITS, Limits
from components.imaging.files.pnm import HEADER_BYTES, sides_of_pnm
from components.imaging.files.pnm import MAGIC as PNM_MAGIC
from components.imaging.files.unreadable import TooManyPixels, UnreadableImage
from components.imaging.files.volume_mark import is_volume
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
                _refuse_size(file, size, limits.pixels)
            # No more than it was said to be, if that was not nothing.
            return file.read(size or _SPARE_BYTES)
    except OSError as error:
        raise UnreadableImage(f"cannot be read: {error.strerror}") from error


def is_lossy(path: Path) -> bool:
    """Whether the compression of the file changes pixel values: JPEG, JPEG within TIFF, lossy DICOM.

    Raises:
        UnreadableImage: the file is missing, or is no image.
    """
    try:
        with opened(path) as file:
            head = file.read(PREAMBLE_BYTES)
            file.seek(0)
            if head[:2] in PNM_MAGIC or is_volume(head) or is_label_text(head):
                return False
            if is_dicom(head):
                from components.imaging.files.dicom import is_lossy_dicom

                return is_lossy_dicom(file)
            header = raster.open_raster(file)
    except OSError as error:
        raise UnreadableImage(f"cannot be read: {error.strerror}") from error
    return "jpeg" in (str(header.format).lower(), header.info.get("compression"))


def _refuse_size(file: BinaryIO, size: int, max_pixels: int) -> None:
    if size > _MAX_BYTES_PER_PIXEL * max_pixels + _SPARE_BYTES:
        raise TooManyPixels(
            f"has {size} bytes, more than an image of the {max_pixels} pixels that are allowed: "
            "raise [data] max_megapixels to read it"
        )
    width, height = _sides(file)
    file.seek(0)
    if width and size > _MAX_BYTES_PER_PIXEL * width * height + _SPARE_BYTES:
        raise UnreadableImage(
            f"has {size} bytes, more than an image of {width} x {height} pixels can have: save it anew"
        )


def _sides(file: BinaryIO) -> tuple[int, int]:
    """Width and height as the header tells them; zeros of volumes and text."""
    head = file.read(HEADER_BYTES)
    file.seek(0)
    if head[:2] in PNM_MAGIC:
        return sides_of_pnm(head)
    if is_dicom(head):
        from components.imaging.files.dicom import sides_of_dicom  # pydicom, a tenth of a second, only where needed

        return sides_of_dicom(file)
    return raster.open_raster(file).size if raster.is_raster(head) else (0, 0)
