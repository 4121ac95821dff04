"""What the page shows of an answer."""

from __future__ import annotations

from base64 import b64encode
from contextlib import suppress
from functools import partial

import cv2
import numpy as np
from typing_extensions import TypedDict

from components.imaging.annotations.colours import colours_of, eight_bit, hexadecimal
from components.imaging.annotations.geojson import write_geojson
from components.imaging.files.codecs import UnreadableImage, encode_png
from components.predictions.answered import Answered
from components.predictions.outputs import measurements

_MOST_OUTLINES = 2_000
_SIDE = 1600
"""Pixels of the longer side of a picture."""


class Class(TypedDict):
    name: str
    colour: str
    """`#rrggbb`."""
    pixels: int
    """That are predicted."""


class Shown(TypedDict):
    """Pictures are PNG in base64, of a side of 1,600 px at most."""

    version: str
    width: int
    height: int
    threshold: float | None
    """Null, as the probability: of several classes the most probable is predicted."""
    confidence: float
    classes: list[Class]
    picture: str
    indices: str
    """Class indices of the mask."""
    probability: str | None
    """255 p, by which the page moves the threshold."""
    mask: str
    """PNG in base64 at the size of the image."""
    geojson: str | None
    """Text of a file; null: of more than 2,000 regions, which are noise and take long."""


def shown(found: Answered, version: str, threshold: float) -> Shown:
    """An answer of a version of the model, at a threshold that counts for an only class."""
    height, width = found.classes.shape
    reduced = min(1.0, _SIDE / max(height, width))
    picture = partial(_picture, size=(max(1, round(width * reduced)), max(1, round(height * reduced))))
    colours = hexadecimal(colours_of(found.task))
    named = zip(found.task.classes, colours, found.pixels.values(), strict=True)
    return {
        "version": version,
        "width": width,
        "height": height,
        "threshold": None if found.task.several else threshold,
        "confidence": found.confidence,
        "classes": [{"name": name, "colour": colour, "pixels": pixels} for name, colour, pixels in named],
        "picture": picture(eight_bit(found.picture)),
        "indices": picture(found.classes, how=cv2.INTER_NEAREST),
        "probability": None if found.task.several else picture(np.rint(found.probability * 255).astype(np.uint8)),
        "mask": _text(encode_png(found.classes)),
        "geojson": _outlines(found),
    }


def _outlines(found: Answered) -> str | None:
    with suppress(UnreadableImage):
        if len(found.regions.each) <= _MOST_OUTLINES:
            return write_geojson(found.regions, found.task, measurements(found.lesions)).decode()
    return None


def _picture(pixels: np.ndarray, size: tuple[int, int], how: int = cv2.INTER_AREA) -> str:
    """Of width and height `size`, in base64, as PNG."""
    return _text(encode_png(cv2.resize(pixels, size, interpolation=how)))


def _text(content: bytes) -> str:
    return b64encode(content).decode()
