"""One scheduler per output folder: a lock that says who holds it, and since when."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime
from pathlib import Path

from typing_extensions import TypedDict

from components.errors import UsageError
from components.files import locked
from components.state import BrokenState, read_state

LOCK_FILE = ".schedule.lock"


class _Owner(TypedDict):
    pid: int
    host: str
    since: str


@contextmanager
def owned(out: Path, now: datetime) -> Iterator[None]:
    """Holds the output folder. The kernel frees it when this process dies: what a file without a lock says is past.

    Raises:
        UsageError: another process holds it, or the lock is another user's.
    """
    path = out / LOCK_FILE
    with ExitStack() as stack:
        try:
            stack.enter_context(locked(path, wait=False))
        except BlockingIOError:
            raise UsageError(
                f"{out}: another scheduler uses this output folder: {_owner(path, now)}. End it, or choose another: "
                "--out DIR"
            ) from None
        except OSError as error:
            raise UsageError(
                f"{path}: cannot be locked: {error.strerror}. Make it yours, or choose another folder: --out DIR"
            ) from error
        # On a full disk the lock holds all the same, without a name.
        with suppress(OSError):
            # In place: a file moved here would be another one, without the lock.
            path.write_text(json.dumps({"pid": os.getpid(), "host": socket.gethostname(), "since": now.isoformat()}))
        yield


def _owner(path: Path, now: datetime) -> str:
    try:
        owner = read_state(path, _Owner, "")
        since = datetime.fromisoformat(owner["since"])
        age = str(now - since).partition(".")[0]
        return f"process {owner['pid']} on {owner['host']}, for {age} (since {since.isoformat(timespec='seconds')})"
    except (BrokenState, ValueError, TypeError):
        return "it did not leave its name"
