"""What rejects make of the exit code of a verb that goes on without them."""

from __future__ import annotations

from components.errors import ExitCode


def exit_code_with(rejects: int, done: int, max_rejects: int) -> ExitCode:
    """Done where something was, and no more was rejected than is allowed."""
    return ExitCode.DONE if done and rejects <= max_rejects else ExitCode.USAGE
