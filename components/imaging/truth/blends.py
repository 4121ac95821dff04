"""What JPEG makes of the edge between two colours."""

from __future__ import annotations

from itertools import combinations

import numpy as np

_LIGHTNESS_AND_COLOUR = np.array([[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]])
"""Y, Cb and Cr of RGB (JFIF 1.02, ITU-R BT.601), less the 128 that JPEG adds to the last two."""
_BACK = np.linalg.inv(_LIGHTNESS_AND_COLOUR)
_AHEAD = 0.5
"""By how much of the step between two colours lightness may be ahead of colour, or behind: JPEG keeps colour at half
the resolution, so that where an edge is sharp a pixel has the colour of both sides, and the lightness of its own."""
_NONE = 1e-6
"""Of two greys the step of colour, squared, where it is not 0 for rounding."""


def are_blends(colours: np.ndarray, known: np.ndarray, within: float) -> np.ndarray:
    """Whether colours lie between two that are known, as JPEG mixes these; bool `(N,)`.

    Args:
        colours: RGB 0..255, `(N, 3)`.
        known: RGB 0..255, `(K, 3)`.
        within: Euclidean distance in RGB from a blend up to which a colour counts as one.
    """
    others = np.arange(len(colours))
    values = colours @ _LIGHTNESS_AND_COLOUR.T
    for one, other in combinations(known @ _LIGHTNESS_AND_COLOUR.T, 2):
        if not len(others):
            break
        blends = _blends(values[others], one, other - one) @ _BACK.T
        off = np.linalg.norm(colours[others] - blends.clip(0, 255), axis=1)
        others = others[off > within]
    found = np.ones(len(colours), bool)
    found[others] = False
    return found


def _blends(values: np.ndarray, start: np.ndarray, step: np.ndarray) -> np.ndarray:
    """The blend near each of `(N, 3)`, in lightness and colour, of `start` and what is a step from it."""
    parts = [part for part in (slice(0, 1), slice(1, 3)) if step[part] @ step[part] > _NONE]
    shares = [_along(values[:, part] - start[part], step[part]) for part in parts]
    lightness, colour = shares[0], shares[-1]
    mean, ahead = (lightness + colour) / 2, (lightness - colour).clip(-_AHEAD, _AHEAD) / 2
    return start + np.stack([mean + ahead, mean - ahead, mean - ahead], axis=1) * step


def _along(offsets: np.ndarray, step: np.ndarray) -> np.ndarray:
    """Which share of a step each of `(N, C)` is, 0 to 1."""
    return (offsets @ step / (step @ step)).clip(0, 1)
