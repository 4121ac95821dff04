"""Slides of scanners, by OpenSlide."""

from __future__ import annotations

from typing import Any

import numpy as np

from components.foreign import foreign
from components.imaging.files.spacing import Spacing, spacing
from components.imaging.files.unreadable import UnreadableImage

_MICROMETRES = 1000.0
_STEP = 1024
_MOST_IN_A_TILE = 2**24
"""Pixels. OpenSlide makes room for as many as the header tells, and ends the process where there is none."""


class VendorSlide:
    """8-bit RGB. Where the scanner saw nothing is the slide's background colour, white where it tells none."""

    channels, dtype, step = 3, np.dtype(np.uint8), _STEP

    def __init__(self, slide: Any) -> None:
        """Raises UnreadableImage: its tiles are too large; none has been decoded."""
        self._slide = slide
        self.width, self.height = slide.dimensions
        told = slide.properties
        across, down = (int(told.get(f"openslide.level[0].tile-{side}", 0)) for side in ("width", "height"))
        if across * down > _MOST_IN_A_TILE:
            slide.close()
            raise UnreadableImage(
                f"is stored in tiles of {across} x {down} pixels, of which each must be held in memory"
            )
        found = spacing([told.get(f"openslide.mpp-{axis}", "") for axis in "yx"])
        self.spacing: Spacing | None = found and (found[0] / _MICROMETRES, found[1] / _MICROMETRES)
        self._background = bytes.fromhex(told.get("openslide.background-color", "FFFFFF"))

    def read(self, top: int, left: int, height: int, width: int) -> np.ndarray:
        with foreign(UnreadableImage, f"is damaged near row {top}, column {left}"):
            pixels = np.asarray(self._slide.read_region((left, top), 0, (width, height)))
        colours, alpha = pixels[..., :3], pixels[..., 3:]
        if alpha.min() == 255:
            return colours
        share = alpha / np.float32(255)
        return np.rint(colours * share + np.array([*self._background]) * (1 - share)).astype(np.uint8)

    def close(self) -> None:
        self._slide.close()
