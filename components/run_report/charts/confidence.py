"""Charts of what probabilities are worth, as PNG bytes; None where there is nothing to draw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from components.run_report.charts.base import BLUE, GREY, Colours, chart, legend, png

_FEWEST_PIXELS = 20
"""In a bin that says anything."""


def risk_coverage_curves(points: Mapping[str, Sequence[Sequence[float]]], colours: Colours) -> bytes | None:
    """1 - Dice of the share of cases that a class is predicted for most confidently."""
    curves = {name: np.array(found) for name, found in points.items() if len(found) > 1}
    if not curves:
        return None
    figure, axes = chart(2.6)
    for name, curve in curves.items():
        axes.plot(curve[:, 0], curve[:, 1], color=colours[name], marker=".", linewidth=1, label=legend(name))
    axes.set_xlim(0, 1.03)
    axes.set_ylim(bottom=0)
    axes.set_xlabel("Share of cases that is kept, most confident first")
    axes.set_ylabel("1 - Dice")
    _name(axes, curves)
    return png(figure)


def reliability_diagram(sums: Mapping[str, Mapping[str, Sequence[float]] | None], colours: Colours) -> bytes | None:
    """How many pixels of a bin of probability are true, against the mean probability there, by class; a bin of fewer
    than 20 pixels is left out. `sums` are those of `metrics.json`."""
    curves = {name: points for name, found in sums.items() if found and len(points := _points(found))}
    if not curves:
        return None
    figure, axes = chart(3.1)
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle=":")
    for name, points in curves.items():
        axes.plot(
            points[:, 0], points[:, 1], color=colours[name], marker="o", markersize=4, linewidth=1, label=legend(name)
        )
    axes.set_xlim(-0.03, 1.03)
    axes.set_ylim(-0.03, 1.03)
    axes.set_xlabel("Mean probability of the pixels in a bin")
    axes.set_ylabel("Share of them that is true")
    _name(axes, curves)
    return png(figure)


def threshold_curve(thresholds: Mapping[str, Sequence[float | None]], chosen: float | None) -> bytes | None:
    """The mean Dice at each threshold, and which was chosen. `thresholds` are those of `operating_point.json`."""
    dice = np.array(thresholds["dice"], np.float64)
    if not np.isfinite(dice).any():
        return None
    figure, axes = chart(2.6)
    axes.plot(np.array(thresholds["threshold"], np.float64), dice, color=BLUE, marker=".")
    if chosen is not None:
        axes.axvline(chosen, color=GREY, linewidth=1, linestyle=":", label=f"taken: {chosen:g}")
        axes.legend(frameon=False, fontsize=9)
    axes.set_xlim(0, 1)
    axes.set_xlabel("Probability from which a pixel is predicted")
    axes.set_ylabel("Mean Dice")
    return png(figure)


def _points(sums: Mapping[str, Sequence[float]]) -> np.ndarray:
    """Mean probability and share of true pixels of each bin, float64 `(bins, 2)`."""
    pixels, expected, true = (np.array(sums[key], np.float64) for key in ("pixels", "expected", "true"))
    enough = pixels >= _FEWEST_PIXELS
    return np.stack([expected[enough] / pixels[enough], true[enough] / pixels[enough]], axis=1)


def _name(axes: Axes, curves: Mapping[str, Any]) -> None:
    if len(curves) > 1:
        axes.legend(frameon=False, fontsize=9)
