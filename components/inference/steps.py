"""Probabilities as 16-bit numbers: what is kept of an answer, and what everybody is told of it."""

from __future__ import annotations

import numpy as np

_LAST = 65535
_PROBABILITIES = (np.sin(np.arange(_LAST + 1) / _LAST * np.pi / 2) ** 2).astype(np.float32)


def to_steps(probability: np.ndarray) -> np.ndarray:
    """uint16 of numbers in 0..1: 65,535 * 2 / pi * asin(sqrt(p)).

    Even steps of the angle (the arcsine transformation) are 2.4e-5 apart at p = 0.5, and the closer the nearer p is
    to 0 or 1, down to 6e-10: even steps of p would make losses of empty images, sums of many small numbers, wrong.
    """
    # From the nearer end: that one's distance float32 has to all digits.
    near = np.clip(np.minimum(probability, 1 - probability), 0, 0.5)
    steps = np.rint(np.arcsin(np.sqrt(near)) * np.float32(2 / np.pi * _LAST)).astype(np.uint16)
    return np.where(probability > 0.5, _LAST - steps, steps).astype(np.uint16)


def from_steps(steps: np.ndarray) -> np.ndarray:
    """float32 of what `to_steps` gives."""
    return _PROBABILITIES[steps]


def rounded(probability: np.ndarray) -> np.ndarray:
    """float32 in steps; where numbers are not finite, as they are."""
    return from_steps(to_steps(probability)) if np.isfinite(probability).all() else probability
