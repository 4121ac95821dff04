"""Small images as arrays, and their bytes in the formats of image files."""

from __future__ import annotations

import io

import cv2
import numpy as np
from PIL import Image

GRAY = np.array([[0, 1, 2], [127, 128, 255]], np.uint8)
DEEP = np.array([[0, 1, 256], [4095, 4096, 65535]], np.uint16)
RGB = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255]], [[1, 2, 3], [4, 5, 6], [7, 8, 9]]], np.uint8)
DEEP_RGB = RGB.astype(np.uint16) * 256 + 17
NOISE = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
_, NOISE_JPG = cv2.imencode(".jpg", NOISE)
ENTRIES = np.array([[0, 1, 2], [3, 2, 1]], np.uint8)
PALETTE = np.array([[0, 0, 0], [255, 0, 0], [0, 255, 0], [9, 8, 7]], np.uint8)
GREY_PALETTE = np.array([[7, 7, 7], [200, 200, 200], [90, 90, 90], [0, 0, 0]], np.uint8)


def saved(pixels: np.ndarray | Image.Image, kind: str, **options: object) -> bytes:
    """The file that Pillow writes."""
    buffer = io.BytesIO()
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def bgr_rows(pixels: np.ndarray) -> list[bytes]:
    return [row[:, ::-1].tobytes() for row in pixels[::-1]]


def damaged(content: bytes) -> bytes:
    """With one bit wrong in what comes 20 bytes before the end: in a PNG, the compressed pixels."""
    return content[:-20] + bytes([content[-20] ^ 1]) + content[-19:]


def bytes_of(pixels: np.ndarray) -> list[bytes]:
    return [row.tobytes() for row in pixels[::-1]]


def bgra(palette: np.ndarray) -> bytes:
    return np.insert(palette[:, ::-1], 3, 0, 1).tobytes()


def with_alpha(pixels: np.ndarray) -> np.ndarray:
    return np.dstack([pixels, np.zeros(pixels.shape[:2], pixels.dtype)])
