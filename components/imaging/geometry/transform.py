"""The `sample/transform` of a record: where its pixels lie in the source."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from components.imaging.augmentation.warp import Warp
from components.imaging.geometry.placement import Placement


def to_source(transform: Mapping[str, Any], rows: np.ndarray, columns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Source coordinates of the record coordinates of any record, by its `sample/transform`.

    Raises:
        ValueError: a transform that is not a placement, on its own or followed by warps.
    """
    first, *changes = steps(transform)
    placement = Placement.from_json(_of_kind("placement", first))
    for change in reversed(changes):
        warp = Warp.from_json(_of_kind("warp", change))
        rows, columns = warp.to_source(rows, columns, placement.height, placement.width)
    return placement.to_source(rows, columns)


def steps(transform: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The single maps of a transform from source to record; a chain of chains is one chain."""
    if transform["kind"] != "chain":
        return [transform]
    return [step for member in transform["steps"] for step in steps(member)]


def _of_kind(kind: str, step: Mapping[str, Any]) -> Mapping[str, Any]:
    if step["kind"] != kind:
        raise ValueError(f"found a step of kind {step['kind']!r} in a record's transform, expected {kind!r}")
    return step
