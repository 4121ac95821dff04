"""Pixels of a mask that have none of the colours or values that are expected: how many there may be."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Settled(NamedTuple):
    """A mask in which every pixel has what is expected."""

    mask: np.ndarray
    """`(H, W)`."""
    stray: float = 0.0
    """Share of the pixels that had something else, 0 to 1."""


def amount(stray: np.ndarray, most: float) -> str:
    """How many pixels of a bool `(H, W)` are stray, and how many may be; after `12 pixels ...`."""
    return f"{_percent(stray.mean())} of the mask, where [data.mask] max_stray allows {_percent(most)}"


def first(stray: np.ndarray) -> tuple[int, int]:
    """Row and column of the first stray pixel of a bool `(H, W)` that has one."""
    row, column = np.unravel_index(stray.argmax(), stray.shape)
    return int(row), int(column)


def _percent(share: float) -> str:
    return f"{100 * share:.3g}%"
