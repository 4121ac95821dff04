"""The `sample/transform` of a record: where its pixels lie in the source, and the other way round."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from components.imaging.geometry import Affine, Placement, mapped


def to_source(transform: Mapping[str, Any], rows: np.ndarray, columns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Source coordinates of the record coordinates of any record, by its `sample/transform`.

    Raises:
        ValueError: a transform that is not a placement, on its own or followed by affine maps.
    """
    return mapped(_matrix(transform), rows, columns)


def to_record(transform: Mapping[str, Any], rows: np.ndarray, columns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The inverse of `to_source`."""
    return mapped(np.linalg.inv(_matrix(transform)), rows, columns)


def _matrix(transform: Mapping[str, Any]) -> np.ndarray:
    first, *changes = _steps(transform)
    placement = Placement.from_json(first)
    matrix, size = placement.matrix, (placement.height, placement.width)
    for change in changes:
        affine = Affine.from_json(change)
        matrix = matrix @ affine.matrix(*size)
        size = size[::-1] if affine.quarter_turns % 2 else size
    return matrix


def _steps(transform: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The steps from source to record; a chain of chains is one chain."""
    if transform["kind"] != "chain":
        return [transform]
    return [step for member in transform["steps"] for step in _steps(member)]
