"""Slides as tests need them, written by tifffile."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import tifffile

APERIO = "Aperio Image Library v11.2.1\r\n700x600 [0,0 700x600] (64x64) JPEG/RGB Q=90|AppMag = 20|MPP = 0.5"


def tissue(height: int, width: int, channels: int = 3, dtype: Any = np.uint8, seed: int = 0) -> np.ndarray:
    """Blots, smooth as tissue is: `(height, width[, 3])`."""
    shape = (height // 40 + 1, width // 40 + 1, channels)
    coarse = np.random.default_rng(seed).integers(0, np.iinfo(dtype).max, shape).astype(dtype)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)


def write_slide(path: Path, pixels: np.ndarray, levels: int = 2, **options: Any) -> Path:
    """A pyramid of tiles of 64, a page for each level, pixels of half a micrometre."""
    options = {
        "tile": (64, 64),
        "compression": "deflate",
        "photometric": "rgb" if pixels.ndim == 3 else "minisblack",
        "resolution": (20000, 20000),
        "resolutionunit": "CENTIMETER",
        "metadata": None,
        **options,
    }
    with tifffile.TiffWriter(path) as writer:
        writer.write(pixels, **options)
        for level in range(1, levels):
            writer.write(pixels[:: 2**level, :: 2**level], subfiletype=1, **options)
    return path
