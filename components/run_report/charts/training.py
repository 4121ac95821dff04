"""Charts of the training, as PNG bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from components.run_report.charts.base import BLUE, CYCLE, GREY, VERMILION, chart, png


def learning_curve(
    name: str,
    epochs: Sequence[int],
    training: Sequence[float],
    validation: Sequence[float],
    best_epoch: int,
    kept: str,
) -> bytes:
    """A measure by epoch (the first is 1) on both splits, with the epoch whose weights were kept, as `kept` says."""
    figure, axes = chart(3.1)
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
    return png(figure)


def fold_curves(
    name: str,
    epochs: Mapping[int, Sequence[int]],
    validation: Mapping[int, Sequence[float]],
    best_epochs: Mapping[int, int],
) -> bytes:
    """A measure by epoch on each fold that its model has not learnt from, with the epochs whose weights were kept."""
    figure, axes = chart(3.1)
    for fold, values in validation.items():
        [line] = axes.plot(epochs[fold], values, marker=".", linewidth=1, label=f"fold {fold}")
        best = best_epochs[fold]
        kept = values[epochs[fold].index(best)]
        axes.plot(best, kept, "o", color=line.get_color(), markeredgecolor="black")
    axes.set_ylabel(name)
    _number_epochs(axes, max(numbers[-1] for numbers in epochs.values()))
    axes.legend(frameon=False, fontsize=9)
    return png(figure)


def run_curves(name: str, runs: Mapping[str, Sequence[tuple[Sequence[int], Sequence[float], int]]]) -> bytes:
    """A measure by epoch on what is validated, of runs by their labels, each in the colour of its place in `CYCLE`.

    Of each training of a run there are the epochs (the first is 1), the values, and the epoch whose weights were kept.
    """
    figure, axes = chart(3.1)
    for colour, (label, trainings) in zip(CYCLE, runs.items(), strict=False):
        for epochs, values, best in trainings:
            axes.plot(epochs, values, color=colour, marker=".", linewidth=1, label=label)
            axes.plot(best, values[epochs.index(best)], "o", color=colour, markeredgecolor="black")
            label = "_"  # a run of folds has one entry in the legend
    axes.set_ylabel(name)
    _number_epochs(axes, max(epochs[-1] for trainings in runs.values() for epochs, _, _ in trainings))
    axes.legend(frameon=False, fontsize=9)
    return png(figure)


def learning_rate_curve(epochs: Sequence[int], rates: Sequence[float]) -> bytes:
    """The learning rate by epoch, on a logarithmic axis, where it is not 0."""
    figure, axes = chart(2.0)
    axes.plot(epochs, [rate or np.nan for rate in rates], color=GREY, marker=".")
    axes.set_yscale("log")
    axes.set_ylabel("Learning rate")
    _number_epochs(axes, epochs[-1])
    return png(figure)


def _number_epochs(axes: Axes, epochs: int) -> None:
    axes.set_xlim(0.5, epochs + 0.5)
    axes.set_xlabel("Epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
