"""The size of an image's pixels on what it shows."""

from __future__ import annotations

import math
from collections.abc import Sequence

Spacing = tuple[float, float]
"""Height and width of a pixel in millimetres."""
_MM_PER_UNIT = {2: 25.4, 3: 10.0}
"""By TIFF's number of the unit: inch and centimetre."""
_SCREENS = (72, 96)
"""Dots per inch that programs write who know nothing of the image."""


def spacing(values: Sequence[object]) -> Spacing | None:
    """Two lengths in mm, or None of what is none."""
    try:
        height, width = (float(str(value)) for value in values)
    except ValueError:
        return None
    return (height, width) if all(math.isfinite(length) and length > 0 for length in (height, width)) else None


def spacing_by_resolution(resolutions: Sequence[object], unit: int) -> Spacing | None:
    """Of pixels a unit along height and width, as TIFF tells them, and its number of the unit; None of a screen's."""
    found = spacing(resolutions)
    millimetres = _MM_PER_UNIT.get(unit)
    if millimetres is None or found is None or {round(25.4 * each / millimetres, 1) for each in found} <= {*_SCREENS}:
        return None
    return spacing([millimetres / each for each in found])
