"""Image files and PNG bytes as arrays; RGB order, bit depth kept.

The content of a file decides how it is read, not its name: a JPEG may be called `.png`.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

import cv2
import numpy as np

from components.imaging.files import raster
from components.imaging.files.alpha import Drawn, decode_drawn
from components.imaging.files.content import read_content
from components.imaging.files.dicom_mark import is_dicom
from components.imaging.files.header import Header, header_of
from components.imaging.files.label_text import decode_label_text, is_label_text
from components.imaging.files.limits import LIMITS, Limits, decode_within
from components.imaging.files.pnm import MAGIC as PNM_MAGIC
from components.imaging.files.pnm import decode_pnm
from components.imaging.files.unreadable import TooManyPixels, UnreadableImage
from components.imaging.files.volume_mark import is_volume

Given = ParamSpec("Given")
Found = TypeVar("Found")

__all__ = [
    "LIMITS",
    "SUFFIXES",
    "Drawn",
    "Limits",
    "TooManyPixels",
    "UnreadableImage",
    "decode_image",
    "decode_indices",
    "decode_mask",
    "encode_png",
    "pixel_sha256",
    "read_content",
    "read_image",
    "unrepeated",
    "with_channels",
    "with_header",
]

SUFFIXES = frozenset(
    {
        *(".pgm", ".ppm", ".pnm", ".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".gif"),
        *(".dcm", ".dicom", ".nii", ".nii.gz", ".nrrd"),
    }
)

UNLIMITED = Limits(pixels=2**30, seconds=math.inf)


def read_image(path: Path, limits: Limits = LIMITS, dicom_window: bool = False, upright: bool = True) -> np.ndarray:
    """The pixels of a PGM, PPM, PNG, JPEG, TIFF, BMP, GIF, DICOM, NIfTI or NRRD file.

    `(H, W)` gray or `(H, W, 3)` RGB, uint8 or uint16. Alpha is dropped, palettes are looked up. The orientation that
    EXIF or TIFF tags name, or the place in a patient of NIfTI and NRRD, is applied where they shall be `upright`; else
    pixels are as they are stored. Values of PNM: `components.imaging.files.pnm`, of DICOM:
    `components.imaging.files.dicom_values`.

    OpenCV reads PNG, JPEG, TIFF and BMP up to 2**30 pixels; to go further, set OPENCV_IO_MAX_IMAGE_PIXELS in the
    environment as well.

    Raises:
        TooManyPixels: its header claims more than the limit; nothing has been decoded.
        UnreadableImage: the file is missing, is cut short, is no image or none that is read, or takes too long.
    """
    return decode_image(read_content(path, limits), limits, dicom_window, upright)


def decode_image(
    content: bytes, limits: Limits = UNLIMITED, dicom_window: bool = False, upright: bool = True
) -> np.ndarray:
    """As `read_image`, of the bytes of a file; without limits of its own below those of OpenCV."""
    return decode_within(limits.seconds, _image, content, limits.pixels, dicom_window, upright)


def with_header(
    decode: Callable[Concatenate[bytes, Limits, Given], Found],
    content: bytes,
    limits: Limits,
    *arguments: Given.args,
    **named: Given.kwargs,
) -> tuple[Found, Header]:
    """What `decode_image`, `decode_mask` or `decode_indices` returns, with what else the file tells.

    Raises:
        UnreadableImage: as that.
    """
    return decode_within(limits.seconds, _with_header, content, decode, limits, *arguments, **named)


def _with_header(content: bytes, decode: Any, limits: Limits, *arguments: Any, **named: Any) -> tuple[Any, Header]:
    # It is apart already, where it has to be.
    return decode(content, limits._replace(seconds=math.inf), *arguments, **named), header_of(content)


def _image(content: bytes, max_pixels: int, dicom_window: bool, upright: bool) -> np.ndarray:
    if not content:
        raise UnreadableImage("the file is empty")
    if content[:2] in PNM_MAGIC:
        return decode_pnm(content, max_pixels)
    if is_dicom(content):
        from components.imaging.files.dicom import decode_dicom  # pydicom, a tenth of a second, only where needed

        return decode_dicom(content, max_pixels, dicom_window)
    if is_volume(content):
        from components.imaging.files.volumes import open_volume  # nibabel, a quarter of a second, only where needed

        return open_volume(content).pixels(max_pixels, upright)
    return raster.decode_raster(content, max_pixels, upright)


def decode_mask(content: bytes, limits: Limits = LIMITS, upright: bool = True) -> Drawn:
    """As `decode_image`; of a file of one colour with a drawing in its alpha channel that channel, `(H, W)`. In DICOM
    every value is meant: what a header, often that of the image, calls padding is truth like any other. Text of whole
    numbers is a mask, and no image.

    Raises:
        UnreadableImage: as `decode_image`, or colours and alpha tell two things.
    """
    return decode_within(limits.seconds, _mask, content, limits.pixels, upright)


def _mask(content: bytes, max_pixels: int, upright: bool) -> Drawn:
    if _is_raster(content):
        return decode_drawn(content, max_pixels, upright)
    if is_dicom(content):
        from components.imaging.files.dicom import decode_dicom

        return Drawn(decode_dicom(content, max_pixels, window=False, padded=False))
    if is_label_text(content):
        return Drawn(decode_label_text(content, max_pixels))
    return Drawn(_image(content, max_pixels, dicom_window=False, upright=upright))


def decode_indices(content: bytes, limits: Limits = LIMITS, upright: bool = True) -> np.ndarray:
    """Indices `(H, W)`: the palette entries of an image with a palette, else grey values, as `decode_mask`, also those
    of three equal channels.

    Raises:
        UnreadableImage: as `decode_mask`, or colours without a palette.
    """
    return decode_within(limits.seconds, _indices, content, limits.pixels, upright)


def _indices(content: bytes, max_pixels: int, upright: bool) -> np.ndarray:
    indices = raster.indices_in_raster(content, max_pixels, upright) if _is_raster(content) else None
    if indices is not None:
        return indices
    pixels = unrepeated(_mask(content, max_pixels, upright).pixels)
    if pixels.ndim == 3:
        raise UnreadableImage("has RGB pixels, expected a palette or grey values that are class indices")
    return pixels


def encode_png(pixels: np.ndarray) -> bytes:
    """Lossless PNG of `(H, W)` or RGB `(H, W, 3)`, uint8 or uint16, at level 1.

    Rows hold differences to the left neighbour, which takes little more than half of the time that the choice of a
    filter for each row would take, and hardly more space (`make bench BENCH=png`).
    """
    if pixels.ndim == 3:
        pixels = cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)
    # OpenCV's own choice is this filter and this level, and goes with either when a level is stated; only its strategy,
    # run lengths, makes files half as large again.
    _, png = cv2.imencode(".png", pixels, [cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_DEFAULT])
    return png.tobytes()


def pixel_sha256(pixels: np.ndarray) -> bytes:
    """32-byte SHA-256 of the shape, the type and the pixels: equal whatever file format held them.

    RGB of three equal channels counts as gray: the same film saved by another program.
    """
    pixels = unrepeated(pixels)
    digest = hashlib.sha256(f"{pixels.shape} {pixels.dtype} ".encode())
    digest.update(np.ascontiguousarray(pixels).reshape(-1).data)
    return digest.digest()


def unrepeated(pixels: np.ndarray) -> np.ndarray:
    """Gray `(H, W)` of RGB `(H, W, 3)` whose channels are equal; else the pixels as they are."""
    if pixels.ndim == 3 and all(np.array_equal(pixels[..., 0], pixels[..., channel]) for channel in (1, 2)):
        return np.ascontiguousarray(pixels[..., 0])
    return pixels


def with_channels(pixels: np.ndarray, channels: int) -> np.ndarray:
    """Gray `(H, W)` for 1 channel, RGB `(H, W, 3)` for 3; gray = 0.299 R + 0.587 G + 0.114 B (ITU-R BT.601)."""
    if channels == 1 and pixels.ndim == 3:
        return cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    if channels == 3 and pixels.ndim == 2:
        return cv2.cvtColor(pixels, cv2.COLOR_GRAY2RGB)
    return pixels


def _is_raster(content: bytes) -> bool:
    others = (is_dicom, is_volume, is_label_text)
    return bool(content) and content[:2] not in PNM_MAGIC and not any(is_other(content) for is_other in others)


def as_float(pixels: np.ndarray) -> np.ndarray:
    """float32 `(H, W, C)` in 0..1 of gray `(H, W)` or RGB `(H, W, 3)` whole numbers."""
    scaled = pixels.astype(np.float32) / np.float32(np.iinfo(pixels.dtype).max)
    return scaled[..., None] if scaled.ndim == 2 else scaled
