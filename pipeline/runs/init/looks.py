"""Some mask files as they are, to tell what they mean: their pixels side by side, and what stands at their borders."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from components.errors import UsageError
from components.imaging.annotations.dicom_segments import segment_labels
from components.imaging.files.codecs import (
    LIMITS,
    UnreadableImage,
    decode_indices,
    decode_mask,
    read_content,
    read_image,
    with_channels,
    with_header,
)
from components.imaging.files.limits import decode_within
from components.imaging.truth.masks import UnclearMask
from components.imaging.truth.one_hot import one_hot_channels
from components.imaging.truth.unclear import JPEG_MOVES, Colour, colours_of, has_colours
from pipeline.runs.init.truth.shapes import NONE, Shapes, codes_of, shapes_of

_PIXELS = 1 << 16
"""That are looked at of a mask, evenly spread."""


@dataclass(frozen=True)
class Look:
    """A mask file."""

    path: Path
    pixels: np.ndarray
    """Some of its pixels, `(n,)` gray or `(n, 3)` RGB, uint8 or uint16; of a palette its entries."""
    border: np.ndarray
    """Those at its border, likewise."""
    values: np.ndarray
    """All its distinct values, of colours 0xrrggbb; of a JPEG with colours none."""
    counts: np.ndarray
    """How many pixels have each."""
    lossy: bool
    palette: bool
    """Whether it has one, of colours."""
    shapes: Shapes
    """How its values lie; of a JPEG nothing is told."""

    @property
    def coloured(self) -> bool:
        return self.pixels.ndim == 2


def look_at_masks(paths: Sequence[Path]) -> tuple[list[Look], list[tuple[Path, str]]]:
    """Those that can be read, and why others cannot."""
    looks: list[Look] = []
    faults: list[tuple[Path, str]] = []
    for path in paths:
        try:
            looks.append(_look(path))
        except UnreadableImage as error:
            faults.append((path, str(error)))
    return looks, faults


def _look(path: Path) -> Look:
    content = read_content(path)
    drawn, header = with_header(decode_mask, content, LIMITS)
    pixels, lossy = drawn.pixels, header.lossy
    coloured = has_colours(pixels, JPEG_MOVES if lossy else 0)
    palette = False
    if coloured:
        try:
            pixels, palette = decode_indices(content), True
        except UnreadableImage:
            pixels = with_channels(pixels, 3)
    else:
        pixels = with_channels(pixels, 1)
    border = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    channels = pixels.reshape(-1, *pixels.shape[2:])
    counted = np.bincount(codes_of(pixels).ravel()) if not lossy or pixels.ndim == 2 else np.zeros(0, np.int64)
    values = np.flatnonzero(counted)
    counts = counted[values]
    shapes = NONE if lossy else shapes_of(pixels, values, ordered=not palette)
    return Look(path, channels[:: 1 + len(channels) // _PIXELS], border, values, counts, lossy, palette, shapes)


def share_of(looks: Sequence[Look], value: int, shape: Literal["between", "rim"]) -> float:
    """Of the pixels of a value the share that lie so; 0 of a value that no mask has."""
    chosen = [(look, np.searchsorted(look.values, value)) for look in looks if value in look.values]
    lie = sum(int(getattr(look.shapes, shape)[place]) for look, place in chosen if not look.lossy)
    return lie / max(1, sum(int(look.counts[place]) for look, place in chosen))


def legend_of(looks: Sequence[Look], *, blurred: bool) -> list[Colour]:
    """The colours, or greys, of what was looked at."""
    return colours_of(np.concatenate([as_rgb(look.pixels) for look in looks])[:, None], blurred=blurred)


def as_rgb(pixels: np.ndarray) -> np.ndarray:
    """`(n, 3)` of what a look has."""
    return pixels if pixels.ndim == 2 else np.repeat(pixels[:, None], 3, axis=1)


def segment_names(paths: Sequence[Path]) -> list[str]:
    """What the segments of DICOM segmentations are called, each once; empty where any of the files is none."""
    names: dict[str, None] = {}
    for path in paths:
        try:
            labels = decode_within(LIMITS.seconds, segment_labels, read_content(path))
        except UnreadableImage:
            continue  # said by those who read it
        if labels is None:
            return []
        names |= dict.fromkeys(labels)
    return [*names]


def evenly(items: Sequence[Path], count: int) -> Iterator[Path]:
    """So many of them, or all, from the first on."""
    step = max(1, -(-len(items) // count))
    yield from items[::step]


def read_or_none(path: Path) -> np.ndarray | None:
    """The pixels of an image; None of one that cannot be read."""
    try:
        return read_image(path)
    except UnreadableImage:
        return None


def one_hot_keys(paths: Iterable[Path]) -> dict[str, Any]:
    """Of `[data]`, by the first array that can be read.

    Raises:
        UsageError: none can.
    """
    for path in paths:
        try:
            channels = one_hot_channels(path)
        except (UnreadableImage, UnclearMask):
            continue
        classes = [f"class_{index}" for index in range(1, channels)] if channels > 2 else []
        return {"mask": {"form": "one_hot"}, **({"classes": classes} if classes else {})}
    raise UsageError("the masks are .npz files, of which none has an array `mask` of shape (height, width, classes)")
