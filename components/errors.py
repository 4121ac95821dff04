"""Errors that a person can act on, and the exit code that each gives to the command line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import IntEnum
from typing import Any

from components.brief import brief

_LONGEST = 10_000
"""Characters of a message: some have several reasons, and paths in them."""


class ExitCode(IntEnum):
    """How a command ended, for scripts: the one table of exit codes, which the README and the verbs' help repeat."""

    DONE = 0
    FAILED = 1
    """A crash, a full disk; of `doctor`: something is not as it must be."""
    USAGE = 2
    """The command line, the config, a path, broken state on disk: a person must act."""
    REFUSED = 3
    """Evaluated and refused, or the champion has changed meanwhile: nothing was pushed."""
    DATA_REFUSED = 4
    """Refused for the data, or a question about them is open: nothing was trained; of `evaluate` and `seen`: a model
    has seen some of them."""
    STILL_RUNNING = 124
    """Waited for no longer, as by the command `timeout`; the run goes on."""
    INTERRUPTED = 130
    """By SIGINT: started again, the run goes on there."""
    TERMINATED = 143
    """By SIGTERM, likewise."""


class MasklineError(Exception):
    """A failure with a message for people: the thing, what was found, what was expected, what to do."""

    exit_code: int = ExitCode.FAILED

    def __init__(self, message: str = "") -> None:
        super().__init__(brief(message, _LONGEST))


class UsageError(MasklineError):
    """The command line, the config or a path given in them is wrong."""

    exit_code = ExitCode.USAGE


class DataRefused(MasklineError):
    """The data gate stops the run: training on this data would give untrue numbers."""

    exit_code = ExitCode.DATA_REFUSED

    def __init__(self, reasons: Sequence[str], report: Mapping[str, Any]) -> None:
        """`report` is the split report: TFX deletes the outputs of a node that raises."""
        super().__init__("\n".join(reasons))
        self.reasons = list(reasons)
        self.report = dict(report)


class OpenQuestions(MasklineError):
    """A person has not said yet what the data mean: nothing is trained."""

    exit_code = ExitCode.DATA_REFUSED


def exit_code_of(error: BaseException) -> int:
    """The exit code of a command that an error ends; `ExitCode.FAILED` where it is nobody's in particular."""
    if isinstance(error, KeyboardInterrupt):
        return ExitCode.INTERRUPTED
    return error.exit_code if isinstance(error, MasklineError) else ExitCode.FAILED
