"""What the confirmation split of a data set was used for: once, or its numbers are no longer a confirmation."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from components.errors import UsageError
from components.files import read_json, write_json
from components.foreign import foreign

LEDGER = Path(__file__).parent / "confirmed.json"
"""In the repository, so that whoever reads a number sees whether it was the first."""


def use_once(ledger: Path, data: str, asked: Mapping[str, Any]) -> None:
    """Writes down what the confirmation split of a data set is used for; the same use may go on.

    Raises:
        UsageError: it was used for something else.
    """
    with foreign(UsageError, f"{ledger}: not a ledger", remedy="Restore it from the repository."):
        uses = dict(read_json(ledger)) if ledger.exists() else {}
        before = uses.get(data)
        used = before is not None and (before["asked"], before["when"])
    if used and used[0] != asked:
        raise UsageError(
            f"{ledger}: the confirmation split of {data} was used already, on {used[1]} for {_told(used[0])}. What is "
            "chosen after a look at it is not confirmed by it: take other data"
        )
    if not used:
        when = datetime.now(UTC).isoformat(timespec="seconds")
        write_json(ledger, {**uses, data: {"when": when, "asked": asked}})


def _told(asked: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in asked.items())
