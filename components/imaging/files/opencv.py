"""What OpenCV makes of PNG, JPEG, TIFF and BMP."""

from __future__ import annotations

import io

import cv2
import numpy as np
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile

from components.foreign import foreign
from components.imaging.files.jpeg import scans
from components.imaging.files.png import check_png
from components.imaging.files.tiff_compression import refuse_compression
from components.imaging.files.unreadable import UnreadableImage

_MOST_SCANS = 100
"""Programs write up to 14."""


def decode_with(flags: int, content: bytes, header: ImageFile) -> np.ndarray:
    """Gray `(H, W)`, RGB `(H, W, 3)` or RGBA `(H, W, 4)` of OpenCV, by its flags.

    Raises:
        UnreadableImage: damaged, cut short, or pixels of another depth than 8 or 16 bits.
    """
    if isinstance(header, PngImageFile):
        check_png(content, *header.size)
    if isinstance(header, JpegImageFile) and (found := scans(content)) > _MOST_SCANS:
        raise UnreadableImage(
            f"has {found} scans, each over all of its pixels, expected up to {_MOST_SCANS}: save it anew"
        )
    # From memory, not by path: OpenCV hands out the readable part of a JPEG file that was cut short.
    # More pixels than it takes are refused: 2**30, unless OPENCV_IO_MAX_IMAGE_PIXELS in the environment says otherwise.
    with foreign(UnreadableImage, "OpenCV refuses it"):
        pixels = cv2.imdecode(np.frombuffer(content, np.uint8), flags)
    if pixels is None:
        if isinstance(header, TiffImageFile):
            refuse_compression(io.BytesIO(content))
        raise UnreadableImage(f"not a whole {header.format} image: cut short, damaged or of an unknown kind")
    if pixels.dtype not in (np.uint8, np.uint16):
        raise UnreadableImage(f"has {pixels.dtype} pixels, expected 8 or 16 bit")
    if pixels.ndim == 3:
        code = cv2.COLOR_BGR2RGB if pixels.shape[2] == 3 else cv2.COLOR_BGRA2RGBA
        cv2.cvtColor(pixels, code, dst=pixels)
    return pixels
