"""What all charts of the report share. Colours: Okabe & Ito 2008, safe for colour-blind readers."""

from __future__ import annotations

import io
from collections.abc import Mapping

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from components.task import Task
from components.visible import visible

BLUE = "#0072B2"
VERMILION = "#D55E00"
GREY = "#666666"
CYCLE = (BLUE, VERMILION, "#009E73", "#E69F00", "#CC79A7", "#56B4E9", "#F0E442", "#000000", GREY, "#7F3C00")
"""One for each of the most folds."""

Colours = Mapping[str, str]
"""Of each class."""
_WIDTH_INCHES = 5.0
_DPI = 160


def colours_of(task: Task) -> Colours:
    """Those that the classes have in pictures, too; of an only class blue."""
    if not task.several:
        return dict.fromkeys(task.classes, BLUE)
    return {name: "#{:02x}{:02x}{:02x}".format(*task.colour(index)) for index, name in enumerate(task.classes, 1)}


def legend(name: str) -> str:
    """A name as a legend shows it: two dollars would make it a formula, and what begins with `_` is left out."""
    shown = visible(name).replace("$", r"\$")
    return f"\N{ZERO WIDTH SPACE}{shown}" if shown.startswith("_") else shown


def chart(height_inches: float) -> tuple[Figure, Axes]:
    """An empty chart as wide as all others."""
    figure = Figure(figsize=(_WIDTH_INCHES, height_inches), layout="constrained")
    axes = figure.add_subplot()
    axes.set_prop_cycle(color=CYCLE)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="#E5E5E5")
    axes.set_axisbelow(True)
    return figure, axes


def png(figure: Figure) -> bytes:
    """The file."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=_DPI)
    return buffer.getvalue()
