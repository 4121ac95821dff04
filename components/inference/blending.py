"""What the answer of each window counts at each of its pixels, where windows overlap."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache

import numpy as np

from components.imaging.geometry.placement import Placement

_SIGMA = 1 / 8
"""Of the side of a window, as nnU-Net has it (`sliding_window_prediction.py`)."""

Blend = Callable[[Placement, Sequence[Placement]], np.ndarray]
"""Of a window among all of an image, weights float32 `(height, width, 1)` from 0 on."""


def mean(window: Placement, windows: Sequence[Placement]) -> np.ndarray:
    """All alike."""
    return np.ones((window.height, window.width, 1), np.float32)


def gaussian(window: Placement, windows: Sequence[Placement]) -> np.ndarray:
    """exp(-d^2 / 2 sigma^2) along each axis, d the distance from the centre, sigma an eighth of the side: at its border
    a window knows least."""
    return _bells(window.height, window.width)


def cut(window: Placement, windows: Sequence[Placement]) -> np.ndarray:
    """Each pixel by the window whose centre is nearest, of equals the first: no blending, but a seam."""
    rows = _nearest([each.top for each in windows], window.top, window.height)
    columns = _nearest([each.left for each in windows], window.left, window.width)
    return np.logical_and.outer(rows, columns)[..., None].astype(np.float32)


BLENDS: Mapping[str, Blend] = {"mean": mean, "gaussian": gaussian, "cut": cut}


@cache
def _bells(height: int, width: int) -> np.ndarray:
    """Kept, since the windows of an image are of one size: an image has hundreds."""
    bells = np.multiply.outer(_bell(height), _bell(width))[..., None]
    bells.flags.writeable = False
    return bells


def _bell(side: int) -> np.ndarray:
    distance = np.arange(side) - (side - 1) / 2
    return np.exp(-0.5 * (distance / (_SIGMA * side)) ** 2).astype(np.float32)


def _nearest(offsets: Sequence[int], own: int, side: int) -> np.ndarray:
    """Along one axis: which pixels of a window are nearer to its middle than to that of windows that begin elsewhere.

    Windows stand in rows and columns, so that what is nearest along both axes is nearest.
    """
    begins = np.unique(-np.array(offsets))
    middles = begins + (side - 1) / 2
    places = np.arange(side) - own
    nearest = np.abs(places[:, None] - middles).argmin(axis=1)
    return begins[nearest] == -own
