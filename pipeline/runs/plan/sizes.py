"""How large records should be, and whether they are whole images or tiles."""

from __future__ import annotations

import math
from typing import NamedTuple

from pipeline.runs.plan.fingerprint import Fingerprint

VISIBLE = 5.0
"""Pixels across that small lesions keep in whole images: nuclei of 14 px, in the largest images 5, are learnt as well
from these as from tiles (`benchmarks/README.md`)."""
_MULTIPLE = 32
_LEAST_SIDE, MOST_SIDE = 64, 512
_TILES = (512, 384, 256, 192, 128)


class Size(NamedTuple):
    """Of records, in pixels."""

    height: int
    width: int
    tiled: bool
    scale: float
    """Of the largest image in them."""


def size_of(seen: Fingerprint, pixels: float) -> Size:
    """Images whole, where their lesions stay visible at `pixels` a record; else tiles at the images' own scale."""
    side = min(MOST_SIDE, math.sqrt(max(pixels, _LEAST_SIDE**2)))
    scale = min(1.0, side / math.sqrt(seen.height * seen.width))
    height, width = (max(_MULTIPLE, round(scale * each / _MULTIPLE) * _MULTIPLE) for each in (seen.height, seen.width))
    of_largest = min(1.0, max(height, width) / seen.longest)
    if seen.lesion is None or of_largest == 1 or seen.lesion * of_largest >= VISIBLE:
        return Size(height, width, False, of_largest)
    tile = next((each for each in _TILES if each <= min(side, max(height, width))), _TILES[-1])
    return Size(tile, tile, True, 1.0)
