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
from typing import Literal

from pydantic import TypeAdapter

from components.errors import UsageError
from components.files import MOST_BYTES
from components.reading import read_bytes
from components.state import broken_named
from pipeline.runs.folders import list_runs
from pipeline.runs.record import RunRecord, Status

LEDGER_FILE = "schedule.jsonl"
_LONGEST = 2**20
"""Bytes of a line."""


@dataclass(frozen=True)
class SlotRecord:
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
    status: Status | None = None
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


_LINE = TypeAdapter(SlotRecord)


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

    def append(self, record: SlotRecord) -> None:
        """Adds a line, whole or not at all; one that could not be written comes with the next.

        Raises:
            OSError: the disk is full.
        """
        self._unwritten += json.dumps(asdict(record)).encode() + b"\n"
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

    def records(self) -> list[SlotRecord]:
        """What is known of past slots, oldest first."""
        return [*read_ledger(self._path), *_parsed(self._unwritten.splitlines())]

    def last_slot(self) -> datetime | None:
        """The latest slot that is dealt with."""
        return max((datetime.fromisoformat(record.slot) for record in self.records()), default=None)


def read_ledger(path: Path) -> list[SlotRecord]:
    """The lines of a ledger, none where there is no file; a line torn by a crash is left out.

    Raises:
        BrokenState: it cannot be read.
    """
    if not path.is_file():
        return []
    with broken_named(path, "Put it back, or delete it: the next slot begins another"):
        return list(_parsed(read_bytes(path, MOST_BYTES).splitlines()))


def with_slots(out: Path) -> list[RunRecord]:
    """Every run below a folder, oldest first, and among them the slots that have none, each like a run's record."""
    runs = list(list_runs(out))
    known = {run.id for run in runs}
    slots = [(record, path.parent) for path in out.rglob(LEDGER_FILE) for record in read_ledger(path)]
    without = [_like_a_run(record, folder) for record, folder in slots if record.run not in known]
    return sorted([*runs, *without], key=lambda run: run.id)


def _like_a_run(record: SlotRecord, folder: Path) -> RunRecord:
    return RunRecord(
        id=datetime.fromisoformat(record.slot).astimezone(UTC).strftime("%Y%m%d-%H%M%S"),
        recipe=folder.name,
        folder=str(folder),
        status=record.status or ("missed" if record.decision == "missed" else "skipped"),
        slot=record.slot,
        reasons=list(record.reasons) or [record.reason],
    )


def _parsed(lines: Iterable[bytes]) -> Iterator[SlotRecord]:
    for line in lines:
        # What is no line of ours may become many objects.
        if not line.startswith(b"{") or len(line) > _LONGEST:
            continue
        with suppress(ValueError, OverflowError):
            record = _LINE.validate_json(line)
            slot = datetime.fromisoformat(record.slot)
            # Without a zone it cannot be compared with the others, nor where UTC has no such time.
            if slot.tzinfo and slot.astimezone(UTC):
                yield record


def _cut_torn_line(path: Path) -> None:
    """A line without its end was being written when the machine died; the next would be torn with it."""
    if path.exists():
        whole = read_bytes(path, MOST_BYTES).rpartition(b"\n")
        os.truncate(path, len(whole[0] + whole[1]))
