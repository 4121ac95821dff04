"""Errors that a person can act on. Each carries the exit code of the command line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


class MasklineError(Exception):
    """A failure with a message for people: the thing, what was found, what was expected, what to do."""

    exit_code = 1


class UsageError(MasklineError):
    """The command line, the config or a path given in them is wrong."""

    exit_code = 2


class DataRefused(MasklineError):
    """The data gate stops the run: training on this data would give untrue numbers."""

    exit_code = 4

    def __init__(self, reasons: Sequence[str], report: Mapping[str, Any]) -> None:
        """`report` is the split report: TFX deletes the outputs of a node that raises."""
        super().__init__("\n".join(reasons))
        self.reasons = list(reasons)
        self.report = dict(report)
