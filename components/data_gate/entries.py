"""What the gate knows of a record: where it stands, where it comes from and its measures, never its pixels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import PurePosixPath
from typing import Any

from components.example_gen.samples import without_suffix
from components.imaging.geometry.transform import steps
from components.records.record import Header, Record

Window = tuple[float, float, float, float]
"""Top, left, bottom, right in source pixels, edges at whole numbers: the part of the source that a record shows."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A record without its pixels."""

    id: str
    group: str
    source: str
    split: str
    sha256: str
    """Of the decoded source pixels, hexadecimal."""
    derived_from: str
    label: str
    window: Window
    source_height: int
    source_width: int
    bit_depth: int
    channels: int
    classes: tuple[int, ...]
    """Values of the mask, background (0) and `IGNORE` included."""
    foreground: float
    """Share of foreground in the pixels that are judged."""
    mean: float
    std: float
    """Mean and standard deviation of the intensities, scaled to 0..1."""
    signature: bytes = field(repr=False)
    """Perceptual signature of the source; it finds copies, so it stays out of reports."""

    def __str__(self) -> str:
        own_group = without_suffix(PurePosixPath(self.source)).name == self.group
        return f"{self.source} ({self.split}{'' if own_group else f', group {self.group}'})"

    def row(self) -> dict[str, Any]:
        """What the split report says of the record."""
        return {item.name: getattr(self, item.name) for item in fields(self) if item.name != "signature"}


def entry_of(record: Record | Header, split: str) -> Entry:
    """The entry of a record, written or not."""
    mean, std = record.intensity
    height, width = source_size(record.transform)
    return Entry(
        id=record.id,
        group=record.group,
        source=record.source,
        split=split,
        sha256=record.source_sha256.hex(),
        derived_from=record.derived_from,
        label=record.label,
        window=window_of(record.transform),
        source_height=height,
        source_width=width,
        bit_depth=record.bit_depth,
        channels=record.channels,
        classes=record.classes,
        foreground=record.foreground,
        mean=mean,
        std=std,
        signature=record.signature,
    )


def source_size(transform: Mapping[str, Any]) -> tuple[int, int]:
    """Height and width in pixels of the image that a transform starts from."""
    first = steps(transform)[0]
    return first["source_height"], first["source_width"]


def window_of(transform: Mapping[str, Any]) -> Window:
    """The part of the source that a record with this transform shows.

    What follows a placement, such as a rotation, is taken to show all of it.
    """
    window: Window | None = None
    for step in reversed(steps(transform)):
        window = _before(step, window) if step["kind"] == "placement" else None
    if window is None:
        raise ValueError(f"the first step is {steps(transform)[0]['kind']!r}, expected a placement")
    return window


def _before(step: Mapping[str, Any], window: Window | None) -> Window:
    """A window of a placement's result, all of it by default, as one of what was placed."""
    height, width = step["source_height"], step["source_width"]
    top, left, bottom, right = window or (0, 0, step["height"], step["width"])
    down, across = height / step["content_height"], width / step["content_width"]
    return (
        max(0.0, (top - step["top"]) * down),
        max(0.0, (left - step["left"]) * across),
        min(float(height), (bottom - step["top"]) * down),
        min(float(width), (right - step["left"]) * across),
    )
