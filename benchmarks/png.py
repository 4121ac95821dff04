"""PNG files of records: OpenCV's own filter against the choice of one for each row, which a stated level brings."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import numpy as np

from benchmarks._films import write_films
from benchmarks._timing import processor_seconds, ratio
from components.imaging.files.codecs import decode_image, encode_png
from components.parallel import without_inner_threads

_SIDE, _ROUNDS = 512, 31


def measure() -> Iterator[str]:
    """Yields times and sizes of a phantom film in RGB and in gray, and of a mask."""
    without_inner_threads()
    with TemporaryDirectory() as folder:
        film = sorted(write_films(Path(folder), women=1).glob("*.pgm"))[0]
        gray = cv2.resize(decode_image(film.read_bytes()), (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    mask = cv2.circle(np.zeros_like(gray), (_SIDE // 2, _SIDE // 2), 40, 1, cv2.FILLED)
    for name, pixels in (("RGB", cv2.merge([gray] * 3)), ("gray", gray), ("mask", mask)):
        ours, chosen = partial(encode_png, pixels), partial(_with_chosen_filters, pixels)
        yield f"{name}, {_SIDE} px: time over that of filters chosen: {ratio(ours, chosen, _ROUNDS, processor_seconds)}"
        yield f"{name}, {_SIDE} px: size over that of filters chosen: {len(ours()) / len(chosen()):.2f}"


def _with_chosen_filters(pixels: np.ndarray) -> bytes:
    return cv2.imencode(".png", pixels, [cv2.IMWRITE_PNG_COMPRESSION, 1])[1].tobytes()
