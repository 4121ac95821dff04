"""Errors that a person can act on. Each carries the exit code of the command line."""


class MasklineError(Exception):
    """A failure with a message for people: the thing, what was found, what was expected, what to do."""

    exit_code = 1


class UsageError(MasklineError):
    """The command line, the config or a path given in them is wrong."""

    exit_code = 2


class DataRefused(MasklineError):
    """The data gate stops the run: training on this data would give untrue numbers."""

    exit_code = 4
