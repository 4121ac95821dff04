"""The charts of the report as PNG bytes. Colours: Okabe & Ito 2008, safe for colour-blind readers."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

BLUE = "#0072B2"
VERMILION = "#D55E00"
GREY = "#666666"
CYCLE = (BLUE, VERMILION, "#009E73", "#E69F00", "#CC79A7", "#56B4E9", "#F0E442", "#000000", GREY, "#7F3C00")
"""One for each of the most folds."""

_WIDTH_INCHES = 5.0
_DPI = 160


def learning_curve(
    name: str,
    epochs: Sequence[int],
    training: Sequence[float],
    validation: Sequence[float],
    best_epoch: int,
    kept: str,
) -> bytes:
    """A measure by epoch (the first is 1) on both splits, with the epoch whose weights were kept, as `kept` says."""
    figure, axes = _chart(3.1)
    axes.plot(epochs, training, color=BLUE, linestyle="--", marker=".", label="training, mean over the epoch")
    axes.plot(epochs, validation, color=VERMILION, marker=".", label="validation")
    axes.axvline(best_epoch, color=GREY, linewidth=1, linestyle=":")
    axes.plot(
        best_epoch,
        validation[epochs.index(best_epoch)],
        "o",
        color=VERMILION,
        markeredgecolor="black",
        label=f"kept: {kept}",
    )
    axes.set_ylabel(name)
    _number_epochs(axes, epochs[-1])
    axes.legend(frameon=False)
    return _png(figure)


def fold_curves(
    name: str,
    epochs: Mapping[int, Sequence[int]],
    validation: Mapping[int, Sequence[float]],
    best_epochs: Mapping[int, int],
) -> bytes:
    """A measure by epoch on each fold that its model has not learnt from, with the epochs whose weights were kept."""
    figure, axes = _chart(3.1)
    for fold, values in validation.items():
        [line] = axes.plot(epochs[fold], values, marker=".", linewidth=1, label=f"fold {fold}")
        best = best_epochs[fold]
        kept = values[epochs[fold].index(best)]
        axes.plot(best, kept, "o", color=line.get_color(), markeredgecolor="black")
    axes.set_ylabel(name)
    _number_epochs(axes, max(numbers[-1] for numbers in epochs.values()))
    axes.legend(frameon=False, fontsize=9)
    return _png(figure)


def run_curves(name: str, runs: Mapping[str, Sequence[tuple[Sequence[int], Sequence[float], int]]]) -> bytes:
    """A measure by epoch on what is validated, of runs by their labels, each in the colour of its place in `CYCLE`.

    Of each training of a run there are the epochs (the first is 1), the values, and the epoch whose weights were kept.
    """
    figure, axes = _chart(3.1)
    for colour, (label, trainings) in zip(CYCLE, runs.items(), strict=False):
        for epochs, values, best in trainings:
            axes.plot(epochs, values, color=colour, marker=".", linewidth=1, label=label)
            axes.plot(best, values[epochs.index(best)], "o", color=colour, markeredgecolor="black")
            label = "_"  # a run of folds has one entry in the legend
    axes.set_ylabel(name)
    _number_epochs(axes, max(epochs[-1] for trainings in runs.values() for epochs, _, _ in trainings))
    axes.legend(frameon=False, fontsize=9)
    return _png(figure)


def learning_rate_curve(epochs: Sequence[int], rates: Sequence[float]) -> bytes:
    """The learning rate by epoch, on a logarithmic axis, where it is not 0."""
    figure, axes = _chart(2.0)
    axes.plot(epochs, [rate or np.nan for rate in rates], color=GREY, marker=".")
    axes.set_yscale("log")
    axes.set_ylabel("Learning rate")
    _number_epochs(axes, epochs[-1])
    return _png(figure)


def case_strip(label: str, candidate: Sequence[float], champion: Sequence[float]) -> bytes:
    """A measure of the cases, from worst to best, and the champion's of the same case, NaN where there is none."""
    figure, axes = _chart(3.1)
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
    return _png(figure)


def risk_coverage_curves(points: Mapping[str, Sequence[Sequence[float]]]) -> bytes | None:
    """1 - Dice of the share of cases that a class is predicted for most confidently; None without a curve."""
    curves = {name: np.array(found) for name, found in points.items() if len(found) > 1}
    if not curves:
        return None
    figure, axes = _chart(2.6)
    for name, curve in curves.items():
        axes.plot(curve[:, 0], curve[:, 1], marker=".", linewidth=1, label=name)
    axes.set_xlim(0, 1.03)
    axes.set_ylim(bottom=0)
    axes.set_xlabel("Share of cases that is kept, most confident first")
    axes.set_ylabel("1 - Dice")
    if len(curves) > 1:
        axes.legend(frameon=False, fontsize=9)
    return _png(figure)


def _chart(height_inches: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(_WIDTH_INCHES, height_inches), layout="constrained")
    axes = figure.add_subplot()
    axes.set_prop_cycle(color=CYCLE)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="#E5E5E5")
    axes.set_axisbelow(True)
    return figure, axes


def _number_epochs(axes: Axes, epochs: int) -> None:
    axes.set_xlim(0.5, epochs + 0.5)
    axes.set_xlabel("Epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=_DPI)
    return buffer.getvalue()
