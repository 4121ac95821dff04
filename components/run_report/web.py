"""Pictures as they stand in a page."""

from __future__ import annotations

import base64

import cv2
import numpy as np

from components.imaging.files.codecs import decode_image

_MOST_BYTES = 300_000
"""Of a picture: with four strips and eight cases of two pictures each a page stays below 10 MB."""
_QUALITIES = (90, 75, 50, 25)
_JPEG = b"\xff\xd8"


def compact(pixels: np.ndarray) -> bytes:
    """RGB `(H, W, 3)` uint8 as PNG where that is small, else as JPEG, of the best quality that is."""
    found = encode(".png", pixels)
    for quality in _QUALITIES:
        if len(found) <= _MOST_BYTES:
            break
        found = encode(".jpg", pixels, cv2.IMWRITE_JPEG_QUALITY, quality)
    return found


def compacted(png: bytes) -> bytes:
    """The same of a file in RGB: small ones stay as they are."""
    return png if len(png) <= _MOST_BYTES else compact(decode_image(png))


def encode(suffix: str, pixels: np.ndarray, *parameters: int) -> bytes:
    """A file of RGB or RGBA uint8 `(H, W, channels)`; `parameters` are OpenCV's."""
    swapped = cv2.COLOR_RGBA2BGRA if pixels.shape[2] == 4 else cv2.COLOR_RGB2BGR
    _, encoded = cv2.imencode(suffix, cv2.cvtColor(pixels, swapped), parameters)
    return encoded.tobytes()


def data_uri(picture: bytes) -> str:
    """Of a PNG or JPEG file."""
    kind = "jpeg" if picture.startswith(_JPEG) else "png"
    return f"data:image/{kind};base64,{base64.b64encode(picture).decode()}"
