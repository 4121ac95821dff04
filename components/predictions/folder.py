"""The folder that predictions are written into: new, or that of the same command, which goes on there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from typing_extensions import TypedDict

from components.errors import UsageError
from components.files import locked, remove_unfinished, write_json
from components.predictions.sources import REMEDY
from components.state import read_state, shown

STATE_FILE = "predict.json"
"""What all in the folder was predicted with."""
_LOCK = ".lock"


class _State(TypedDict):
    model: dict[str, str]


def check_free(out: Path, resume: bool) -> None:
    """Touches nothing.

    Raises:
        UsageError: something is there that is not to be gone on with.
    """
    if not out.exists():
        return
    if not out.is_dir():
        raise UsageError(f"{out}: is a file, expected a folder. {REMEDY}")
    if any(out.iterdir()):
        if not resume:
            raise UsageError(f"{out}: is not empty, and nothing is overwritten. {REMEDY}; or go on there: --resume")
        if not (out / STATE_FILE).is_file():
            raise UsageError(f"{out}: has no {STATE_FILE}, so that nothing can be gone on with. {REMEDY}")


@contextmanager
def held(out: Path, state: Mapping[str, Any]) -> Iterator[None]:
    """Makes the folder where it is missing; meanwhile nobody else predicts into it.

    Raises:
        UsageError: what is there was predicted with something else, it is in use, or cannot be written.
    """
    with ExitStack() as stack:
        try:
            out.mkdir(parents=True, exist_ok=True)
            stack.enter_context(locked(out / _LOCK, wait=False))
        except BlockingIOError as error:
            raise UsageError(f"{out}: another process predicts into it. Wait for it, or: --out DIR") from error
        except OSError as error:
            raise UsageError(f"{out}: cannot be written: {error.strerror}. {REMEDY}") from error
        remove_unfinished(out)
        if (out / STATE_FILE).is_file():
            _agree(out / STATE_FILE, state)
        else:
            write_json(out / STATE_FILE, state)
        yield


def _agree(path: Path, state: Mapping[str, Any]) -> None:
    known = read_state(path, _State, REMEDY)
    for key, value in state.items():
        if known.get(key) != value:
            raise UsageError(
                f"{path}: {key}: found {shown(known.get(key))}, now {shown(value)}. One folder holds what one model "
                f"says when it is asked alike. {REMEDY}, or ask as before"
            )
