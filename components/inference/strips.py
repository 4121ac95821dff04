"""The answer to an image that memory does not hold: a strip of rows after another, of rows of windows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby, zip_longest

import numpy as np

from components.imaging.geometry.placement import Placement
from components.inference.blending import Blend, mean
from components.inference.windows import shares
from components.records.settings import Derivation

_ROWS = 64
"""Of a strip, at most: what is made of it takes several times its room."""


def why_whole(derivation: Derivation) -> str:
    """Why a model must have an image in memory; empty where it need not."""
    if derivation.tiles is None:
        return f'the model sees the whole image at once (fit = "{derivation.fit}")'
    if derivation.tiles.edge == "stretch":
        return 'the model sees the whole image resized (tiles.edge = "stretch")'
    return "CLAHE needs the whole image (adjust.clahe_clip)" if derivation.adjust.clahe_clip else ""


def blended_strips(
    answer: Callable[[Sequence[Placement]], Iterable[np.ndarray]],
    windows: Sequence[Placement],
    blend: Blend = mean,
    begin: int = 0,
) -> Iterator[np.ndarray]:
    """What `blended` gives, to the last bit, from row `begin` on, in strips that follow each other.

    Memory holds the rows that the windows of one row cover; those that no later one touches are given.

    Args:
        answer: the answers to the windows of one row, float32 `(height, width, K)` each.
        windows: of an image at its own scale, row by row.
        blend: what they count.
        begin: first row that is wanted; no window above it is asked for.
    """
    rows = [list(row) for _, row in groupby(windows, key=lambda window: window.top)]
    # The windows by which a blend tells how they lie.
    frame = [*rows[0], *(row[0] for row in rows[1:])]
    height, width = windows[0].content_height, windows[0].content_width
    total = looks = np.zeros((0, width, 1), np.float32)
    for row, following in zip_longest(rows, rows[1:]):
        bottom = min(height, row[0].height - row[0].top)
        if bottom <= begin:
            continue
        for window, values in zip(row, answer(row), strict=True):
            total, looks = (
                _grown(sums, bottom - begin, last) for sums, last in ((total, values.shape[-1]), (looks, 1))
            )
            (down, across), (own_down, own_across) = window.overlap()
            hidden = max(0, begin - down.start)
            own = slice(own_down.start + hidden, own_down.stop), own_across
            there = slice(down.start + hidden - begin, down.stop - begin), across
            weights = blend(window, frame)[own]
            total[there] += values[own] * weights
            looks[there] += weights
        done = (min(height, -following[0].top) if following else height) - begin
        for top in range(0, done, _ROWS):
            strip = slice(top, min(top + _ROWS, done))
            yield shares(total[strip], looks[strip])
        total, looks, begin = _rest(total, done), _rest(looks, done), begin + max(0, done)


def _grown(sums: np.ndarray, rows: int, last: int) -> np.ndarray:
    if len(sums) == rows:
        return sums
    grown = np.zeros((rows, sums.shape[1], last), np.float32)
    if len(sums):
        grown[: len(sums)] = sums
    return grown


def _rest(sums: np.ndarray, done: int) -> np.ndarray:
    """A copy, so that what is done is freed."""
    return sums[max(0, done) :].copy()
