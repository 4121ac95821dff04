"""Image files and PNG bytes as arrays; RGB order, bit depth kept."""

from __future__ import annotations

import hashlib
from pathlib import Path

import cv2
import numpy as np

SUFFIXES = frozenset({".pgm", ".png", ".jpg", ".jpeg"})

_LOSSY_SUFFIXES = frozenset({".jpg", ".jpeg"})


class UnreadableImage(ValueError):
    """A file or byte string that does not hold a whole image."""


def is_lossy(path: Path) -> bool:
    """Whether the format of the file changes pixel values (JPEG)."""
    return path.suffix.lower() in _LOSSY_SUFFIXES


def read_image(path: Path) -> np.ndarray:
    """The pixels of a PGM, PNG or JPG file: `(H, W)` gray or `(H, W, 3)` RGB, uint8 or uint16, alpha dropped.

    Raises:
        UnreadableImage: the file is missing, is cut short or is no image.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UnreadableImage(f"cannot be read: {error.strerror}") from error
    if not content:
        raise UnreadableImage("the file is empty")
    return decode_image(content)


def decode_image(content: bytes) -> np.ndarray:
    """As `read_image`, of the bytes of a file."""
    # From memory, not by path: OpenCV hands out the readable part of a JPEG file that was cut short.
    try:
        pixels = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error as error:
        # A header that claims more pixels than OpenCV takes (2**30 unless told otherwise).
        raise UnreadableImage(f"OpenCV refuses it: {error.err}") from error
    if pixels is None:
        raise UnreadableImage("not a whole PGM, PNG or JPG image: cut short, damaged or of another kind")
    if pixels.dtype not in (np.uint8, np.uint16):
        raise UnreadableImage(f"has {pixels.dtype} pixels, expected 8 or 16 bit")
    if pixels.ndim == 3:
        pixels = cv2.cvtColor(pixels[..., :3], cv2.COLOR_BGR2RGB)
    return pixels


def encode_png(pixels: np.ndarray) -> bytes:
    """Lossless PNG of `(H, W)` or RGB `(H, W, 3)`, uint8 or uint16, at level 1: 2.5 % larger than level 6, faster."""
    if pixels.ndim == 3:
        pixels = cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)
    _, png = cv2.imencode(".png", pixels, [cv2.IMWRITE_PNG_COMPRESSION, 1])
    return png.tobytes()


def pixel_sha256(pixels: np.ndarray) -> bytes:
    """32-byte SHA-256 of the shape, the type and the pixels: equal whatever file format held them.

    RGB of three equal channels counts as gray: the same film saved by another program.
    """
    if pixels.ndim == 3 and (pixels == pixels[..., :1]).all():
        pixels = pixels[..., 0]
    header = f"{pixels.shape} {pixels.dtype} ".encode()
    return hashlib.sha256(header + np.ascontiguousarray(pixels).tobytes()).digest()


def with_channels(pixels: np.ndarray, channels: int) -> np.ndarray:
    """Gray `(H, W)` for 1 channel, RGB `(H, W, 3)` for 3; gray = 0.299 R + 0.587 G + 0.114 B (ITU-R BT.601)."""
    if channels == 1 and pixels.ndim == 3:
        return cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    if channels == 3 and pixels.ndim == 2:
        return cv2.cvtColor(pixels, cv2.COLOR_GRAY2RGB)
    return pixels
