"""The picture of `maskline augment`: images with the outlines of their masks, and what was done to them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from textwrap import fill

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from components.imaging.augmentation.augment import AugmentationDraw
from components.imaging.augmentation.intensity import Intensity
from components.imaging.augmentation.warp import Warp
from components.imaging.truth.classes import present
from components.records.record import Record
from components.task import Task
from components.visible import shortened, visible

_PANEL_INCHES, _LETTERS = 2.3, 34
"""Width of a panel, and how many letters of its caption stand in a line."""


def contact_sheet(rows: Sequence[Sequence[Record]], task: Task) -> Figure:
    """A row per original: it, then its copies, each with its outlines and what was done to it.

    Values are shown as parts of the original's largest, so that brighter copies are brighter.
    """
    columns = max(map(len, rows))
    captions = [[_caption(record) for record in row] for row in rows]
    lines = [max(caption.count("\n") + 1 for caption in row) for row in captions]
    heights = [_PANEL_INCHES + 0.15 * count for count in lines]
    figure = Figure((_PANEL_INCHES * columns, sum(heights) + 0.3), dpi=130, layout="constrained")
    grid = figure.subplots(len(rows), columns, squeeze=False, height_ratios=heights)
    for axes_row, row, caption_row in zip(grid, rows, captions, strict=True):
        for axes in axes_row[len(row) :]:
            axes.set_axis_off()
        for axes, record, caption in zip(axes_row, row, caption_row, strict=False):
            _draw(axes, record, row[0].image.max(), task)
            axes.set_xlabel(caption, fontsize=7, parse_math=False)
    _add_legend(figure, rows, task)
    return figure


def operations(augmentation: AugmentationDraw, height: int, width: int) -> Iterator[str]:
    """What was done to a copy of this size, in the order in which it was done, in words."""
    yield from _moves(augmentation.warp, augmentation.warp.field_scale(height, width))
    yield from _changes(augmentation.intensity)


def _moves(warp: Warp, field_scale: float) -> Iterator[str]:
    for lens in warp.lenses:
        yield f"{'barrel' if lens.amount > 0 else 'pincushion'} {abs(lens.amount):.2f}"
    if warp.horizontal_flip:
        yield "flip left-right"
    if warp.vertical_flip:
        yield "flip up-down"
    if warp.quarter_turns:
        yield f"turn {90 * warp.quarter_turns}°"
    if warp.shear_x or warp.shear_y:
        yield f"shear {warp.shear_x:+.2f} {warp.shear_y:+.2f}"
    if warp.zoom != 1:
        yield f"zoom {warp.zoom:.2f}"
    if warp.degrees:
        yield f"rotation {warp.degrees:+.1f}°"
    for name, field in (("elastic", warp.elastic), ("distortion", warp.distortion)):
        if field:
            drawn = f" of {field.amplitude:.2%}" if field_scale < 1 else ""
            yield f"{name} {field_scale * field.amplitude:.2%}{drawn}"


def _changes(intensity: Intensity) -> Iterator[str]:
    neutral = Intensity()
    for name, words in _WORDS.items():
        value = getattr(intensity, name)
        if value != getattr(neutral, name):
            yield words.format(value)
    if intensity.cutouts:
        yield f"{len(intensity.cutouts)} cut-outs"


_WORDS: Mapping[str, str] = {
    "inverted_gamma": "inverted gamma {:.2f}",
    "gamma": "gamma {:.2f}",
    "contrast": "contrast {:.2f}",
    "brightness": "brightness {:+.2f}",
    "clahe_clip": "CLAHE {:.1f}",
    "sharpening": "sharpening {:.2f}",
    "blur": "blur {:.2%}",
    "low_resolution": "resolution {:.0%}",
    "noise": "noise {:.1%}",
}
"""Of the numbers of an `Intensity`, in the order in which they act."""


def _caption(record: Record) -> str:
    done = ["original"]
    if record.augmentation:
        done = list(operations(AugmentationDraw.from_json(record.augmentation), *record.mask.shape)) or ["nothing"]
    # Spaces that hold an operation and its numbers together.
    unbroken = ", ".join(done).replace(" ", "\u00a0").replace(",\u00a0", ", ")
    return f"{fill(shortened(visible(record.id)), _LETTERS)}\n{fill(unbroken, _LETTERS, break_on_hyphens=False)}"


def _draw(axes: Axes, record: Record, top: int, task: Task) -> None:
    axes.imshow(np.clip(record.image / max(1, top), 0, 1), cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    for index in present(record.mask):
        axes.contour(record.mask == index, [0.5], colors=[_colour(task, index)], linewidths=1)
    axes.set_xticks([])
    axes.set_yticks([])


def _add_legend(figure: Figure, rows: Sequence[Sequence[Record]], task: Task) -> None:
    shown = sorted({index for row in rows for record in row for index in present(record.mask)})
    lines = [Line2D([], [], color=_colour(task, index), label=visible(task.name(index))) for index in shown]
    legend = figure.legend(
        handles=lines, loc="outside lower center", ncols=min(6, len(lines)), frameon=False, fontsize=8
    )
    for text in legend.get_texts():
        text.set_parse_math(False)


def _colour(task: Task, index: int) -> tuple[float, float, float]:
    red, green, blue = task.colour(index)
    return red / 255, green / 255, blue / 255
