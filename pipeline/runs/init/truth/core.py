"""What mask files mean: how `[data.mask]` must read them, and what is a person's to say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from components.imaging.truth.unclear import JPEG_MOVES
from pipeline.runs.init.looks import Look, legend_of
from pipeline.runs.init.truth.hues import of_colours
from pipeline.runs.init.truth.limits import MOST_LEVELS, RARE
from pipeline.runs.init.truth.meanings import FoundTruth
from pipeline.runs.init.truth.shapes import Shapes
from pipeline.runs.init.truth.two import of_blurred
from pipeline.runs.init.truth.values import of_values


def found_truth(looks: Sequence[Look]) -> FoundTruth:
    """What masks mean, of at least one; a few that are unlike all others decide nothing."""
    looks = _without_odd(looks)
    if any(look.coloured for look in looks):
        return of_colours(looks) if _has_hues(looks) else of_blurred([_as_gray(look) for look in looks])
    if all(look.palette for look in looks):
        return of_values(looks, "palette entries")
    if any(look.lossy for look in looks):
        return of_blurred(looks)
    return of_values(looks, "grey values")


def _without_odd(looks: Sequence[Look]) -> Sequence[Look]:
    """Those whose kind is not rare."""
    kinds = Counter(map(_kind, looks))
    return [look for look in looks if kinds[_kind(look)] >= RARE * len(looks)]


def _kind(look: Look) -> tuple[bool, ...]:
    return look.coloured, look.palette, look.lossy, not look.coloured and len(look.values) > MOST_LEVELS


def _has_hues(looks: Sequence[Look]) -> bool:
    """Whether what is frequent has colours: along outlines channels differ where each was warped by itself."""
    return any(np.ptp(colour.rgb) > JPEG_MOVES for colour in legend_of(looks, blurred=True))


def _as_gray(look: Look) -> Look:
    """By its red, of which nothing is known but how often it has each value."""
    pixels, border = (each.reshape(len(each), -1)[:, 0] for each in (look.pixels, look.border))
    values, counts = np.unique(pixels, return_counts=True)
    shapes = Shapes(*[np.zeros(len(values), np.int64)] * 3)
    return replace(look, pixels=pixels, border=border, values=values, counts=counts, shapes=shapes)
