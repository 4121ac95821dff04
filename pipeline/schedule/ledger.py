"""The ledger: one line of JSON for every slot, `schedule.jsonl` in the output folder."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from components.errors import UsageError
from pipeline.runs.record import list_runs

LEDGER_FILE = "schedule.jsonl"


@dataclass(frozen=True)
class Entry:
    """What became of a slot. Times are ISO 8601 with their distance from UTC."""

    slot: str
    decision: Literal["ran", "skipped", "missed"]
    reason: str
    """Why it ran, or not."""
    started: str | None = None
    ended: str | None = None
    attempt: int = 0
    """How often a run was started."""
    exit_code: int | None = None
    """Of the last attempt; negative: the signal that killed it."""
    status: str | None = None
    reasons: tuple[str, ...] = ()
    """Why the run was refused, or failed."""
    run: str | None = None
    pushed: str | None = None
    """The version that was pushed."""
    fingerprint: str | None = None
    """Of the data, as the config and the champion before the run."""
    config: str | None = None
    champion: str | None = None
    warnings: tuple[str, ...] = ()

    def __str__(self) -> str:
        pushed = f", version {self.pushed} pushed" if self.pushed else ""
        ran = f"{self.status} (exit code {self.exit_code}, run {self.run}){pushed}"
        what, why = (ran, self.reasons) if self.decision == "ran" else (self.decision, (self.reason,))
        return "\n  ".join([f"{self.slot}: {what}", *why, *(f"warning: {warning}" for warning in self.warnings)])


class Ledger:
    """The ledger of an output folder, for its one writer."""

    def __init__(self, out: Path) -> None:
        """Raises UsageError: the file cannot be read and written."""
        self._path = out / LEDGER_FILE
        self._unwritten = b""
        try:
            _cut_torn_line(self._path)
        except OSError as error:
            raise UsageError(
                f"{self._path}: cannot be used: {error.strerror}. Make it yours, or choose another folder: --out DIR"
            ) from error

    def append(self, entry: Entry) -> None:
        """Adds a line, whole or not at all; one that could not be written comes with the next.

        Raises:
            OSError: the disk is full.
        """
        self._unwritten += json.dumps(asdict(entry)).encode() + b"\n"
        with self._path.open("ab", buffering=0) as file:
            size = file.seek(0, os.SEEK_END)
            try:
                if file.write(self._unwritten) < len(self._unwritten):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                os.fsync(file.fileno())
            except OSError:
                with suppress(OSError):
                    file.truncate(size)
                raise
        self._unwritten = b""

    def entries(self) -> list[dict[str, Any]]:
        """What is known of past slots, oldest first."""
        return [*read_ledger(self._path), *_parsed(self._unwritten.splitlines())]

    def last_slot(self) -> datetime | None:
        """The latest slot that is dealt with."""
        return max((datetime.fromisoformat(entry["slot"]) for entry in self.entries()), default=None)


def read_ledger(path: Path) -> list[dict[str, Any]]:
    """The lines of a ledger, none where there is no file; a line torn by a crash is left out."""
    return list(_parsed(path.read_bytes().splitlines())) if path.is_file() else []


def with_slots(out: Path) -> list[dict[str, Any]]:
    """Every run below a folder, oldest first, and among them the slots that have none, each like a run's record."""
    runs = list(list_runs(out))
    known = {run["id"] for run in runs}
    entries = [(entry, path.parent) for path in out.rglob(LEDGER_FILE) for entry in read_ledger(path)]
    slots = [_like_a_run(entry, folder) for entry, folder in entries if entry["run"] not in known]
    return sorted([*runs, *slots], key=lambda run: run["id"])


def _like_a_run(entry: dict[str, Any], folder: Path) -> dict[str, Any]:
    return {
        "id": datetime.fromisoformat(entry["slot"]).astimezone(UTC).strftime("%Y%m%d-%H%M%S"),
        "recipe": folder.name,
        "status": entry["status"] or entry["decision"],
        "slot": entry["slot"],
        "reasons": entry["reasons"] or [entry["reason"]],
        "folder": str(folder),
    }


def _parsed(lines: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    for line in lines:
        with suppress(ValueError, TypeError):
            entry = asdict(Entry(**json.loads(line)))
            # Without a zone it cannot be compared with the others.
            if datetime.fromisoformat(entry["slot"]).tzinfo:
                yield entry


def _cut_torn_line(path: Path) -> None:
    """A line without its end was being written when the machine died; the next would be torn with it."""
    if path.exists():
        whole = path.read_bytes().rpartition(b"\n")
        os.truncate(path, len(whole[0] + whole[1]))
