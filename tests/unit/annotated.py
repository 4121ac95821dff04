"""Masks of every kind that is hard to outline: holes, pixels that touch at corners, classes side by side, borders."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from components.task import Task

TASK = Task(classes=["benign", "malignant", "muscle"], ignores=True)


def masks(values: tuple[int, ...] = (0, 1, 2, 3), least: int = 1) -> st.SearchStrategy[np.ndarray]:
    """Class indices `(H, W)` uint8 with sides from `least` to 12; small ones are full of corners."""
    sizes = st.tuples(st.integers(least, 12), st.integers(least, 12))
    # All kinds as often, two alone, or one with few holes: each has its own corners.
    pixels = st.sampled_from([values, values[:2], values[:1] + 3 * values[1:2]])
    return st.tuples(sizes, pixels).flatmap(
        lambda kind: arrays(np.uint8, kind[0], elements=st.sampled_from(kind[1]), fill=st.nothing())
    )


def drawn(*rows: str) -> np.ndarray:
    """`.` is background, `x` not judged, digits are classes."""
    return np.array([[int({".": 0, "x": 255}.get(sign, sign)) for sign in row] for row in rows], np.uint8)
