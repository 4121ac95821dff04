"""What a limit may pick from the test cases: `label=malignant`, `folder=clinic-b`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import PurePosixPath

from components.evaluator.per_case import Case

SLICES: dict[str, Callable[[Case, str], bool]] = {
    "label": lambda case, name: case.label == name,
    "folder": lambda case, name: PurePosixPath(case.source).parent.name == name,
}
"""By the word before the sign: whether a case belongs to what stands behind it. `folder` is the source's own."""


def sliced(text: str) -> Callable[[Case], bool]:
    """Whether a case belongs to a slice.

    Raises:
        ValueError: no slice is written so.
    """
    kind, sign, name = text.partition("=")
    if kind not in SLICES or not sign or not name:
        expected = " or ".join(f"{kind}=NAME" for kind in SLICES)
        raise ValueError(f"expected {expected}")
    return lambda case: SLICES[kind](case, name)
