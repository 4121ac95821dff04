"""Charts of the test cases, as PNG bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.ticker import MaxNLocator

from components.run_report.charts.base import BLUE, VERMILION, Colours, chart, legend, png


def case_strip(label: str, candidate: Sequence[float], champion: Sequence[float]) -> bytes:
    """A measure of the cases, from worst to best, and the champion's of the same case, NaN where there is none."""
    figure, axes = chart(3.1)
    ranks = np.arange(1, len(candidate) + 1)
    size = 28 if len(candidate) <= 100 else 8
    served = np.array(champion, np.float64)
    if np.isfinite(served).any():
        axes.scatter(ranks, served, size, facecolors="none", edgecolors=VERMILION, label="champion")
    axes.scatter(ranks, candidate, size, color=BLUE, label="candidate")
    axes.axhline(float(np.mean(candidate)), color=BLUE, linewidth=1, label="candidate's mean")
    axes.axhline(float(np.median(candidate)), color=BLUE, linewidth=1, linestyle=":", label="candidate's median")
    if min(candidate) >= 0 and max(candidate) <= 1:
        axes.set_ylim(-0.03, 1.03)
    axes.set_ylabel(label)
    axes.set_xlabel("Case, from worst to best of the candidate")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend(frameon=False, fontsize=9)
    return png(figure)


def size_scatter(label: str, points: Mapping[str, Sequence[tuple[int, float]]], colours: Colours) -> bytes | None:
    """A measure of the cases by the longest side, in pixels, of what is true in them, by class; None without a case."""
    drawn = {name: np.array(found, np.float64) for name, found in points.items() if found}
    if not drawn:
        return None
    figure, axes = chart(3.1)
    for name, found in drawn.items():
        axes.scatter(
            found[:, 0], found[:, 1], 28 if len(found) <= 100 else 8, color=colours[name], alpha=0.7, label=legend(name)
        )
    values = np.concatenate([found[:, 1] for found in drawn.values()])
    if values.min() >= 0 and values.max() <= 1:
        axes.set_ylim(-0.03, 1.03)
    axes.set_xlim(left=0)
    axes.set_xlabel("Longest side of the largest true region, pixels")
    axes.set_ylabel(label)
    if len(drawn) > 1:
        axes.legend(frameon=False, fontsize=9)
    return png(figure)
