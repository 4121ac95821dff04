"""The one door to parsers that are not ours: of images, archives, models, tables, settings."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pydantic import ValidationError

_LONGEST = 500
"""Characters: some add the stack, or all of what they were given."""
_INTERRUPTS: tuple[type[BaseException], ...] = (KeyboardInterrupt, SystemExit, GeneratorExit)


@contextmanager
def foreign(refused: type[Exception], what: str, *passing: type[Exception], remedy: str = "") -> Iterator[None]:
    """Whatever is raised within becomes `refused`, with its cause: damaged files break parsers in ways that no list of
    exceptions holds, also by recursion and by claims on memory.

    Args:
        refused: the error that a caller expects; what is one already passes, and so do interrupts.
        what: says of the input what it is not, such as `not a whole .npz file`.
        passing: other errors of ours that pass.
        remedy: what to do, said last.
    """
    unchanged: tuple[type[BaseException], ...] = (*_INTERRUPTS, refused, *passing)
    try:
        yield
    except unchanged:
        raise
    except BaseException as error:  # panics of compiled parsers are no `Exception`
        raise refused(f"{what}: {cause(error)}{remedy and f'. {remedy}'}") from error


def cause(error: BaseException) -> str:
    """An error in one line, not too long; its type where it says nothing else. Of several faults it is the first."""
    if isinstance(error, RecursionError):
        return "nested too deeply"
    if isinstance(error, ValidationError):
        fault = error.errors(include_url=False, include_input=False, include_context=False)[0]
        text = ": ".join(filter(None, [".".join(map(str, fault["loc"])), fault["msg"]]))
    else:
        text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
