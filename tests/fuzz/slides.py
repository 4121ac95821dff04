"""Slides, and images that are read by rows."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from slide_files import APERIO, tissue, write_slide

from components.errors import UsageError
from components.imaging.slides.opened import is_slide, open_slide
from components.imaging.slides.slide import read_rows
from fuzz import formats
from fuzz.images import LIMITS, REFUSED
from fuzz.reader import Reader


def _slides() -> list[bytes]:
    kinds: list[dict[str, Any]] = [
        {},
        {"compression": "jpeg"},
        {"compression": "lzw", "predictor": True},
        {"tile": None, "rowsperstrip": 16, "levels": 1},
        {"compression": "jpeg", "levels": 1, "description": APERIO},
    ]
    return [slide(tissue(100, 130), **kind) for kind in kinds]


def slide(pixels: np.ndarray, **kind: Any) -> bytes:
    with TemporaryDirectory() as folder:
        return write_slide(Path(folder) / "slide.tif", pixels, **kind).read_bytes()


def by_regions(path: Path) -> None:
    is_slide(path, 100)
    with open_slide(path) as slide:
        assert slide.spacing is None or len(slide.spacing) == 2
        slide.read(0, 0, min(64, slide.height), min(64, slide.width))
        if slide.height * slide.width <= LIMITS.pixels:
            read_rows(slide, 0, slide.height)


READERS = {
    "slide": Reader(
        _slides, (by_regions,), (*REFUSED, UsageError), (formats.tiff_fields, formats.tiff_fields), "input.tif"
    ),
}
