"""How often the same test cases have decided: `DECISIONS.json` in the serving folder, which outlives output folders.

Whoever tries often enough finds a candidate that the test cases like by chance. So each decision is counted, by the
cases alone: where one is added or changed, the count begins anew. The same model held against the same limits has not
been tried twice.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from typing_extensions import TypedDict

from components.files import write_json
from components.records.record import Header, Record
from components.serving_dir import exclusive
from components.state import read_state

DECISIONS_FILE = "DECISIONS.json"
_REMEDY = "Put it back, or delete it to count anew."


class Decisions(TypedDict):
    """`DECISIONS.json`."""

    test_cases: dict[str, list[str]]
    """By the digest of the cases the digests of what they have decided on, oldest first."""


def cases_digest(records: Iterable[Header | Record]) -> str:
    """SHA-256 over ids and pixels of the sources of records, whatever their order and however they are cut."""
    sources = {f"{record.derived_from or record.id}\0{record.source_sha256.hex()}\n" for record in records}
    return hashlib.sha256("".join(sorted(sources)).encode("utf-8", "surrogateescape")).hexdigest()


def count_decision(serving: Path, cases: str, model: str, settings: str) -> int:
    """Writes down that these cases decide on a model by these settings; how many decisions of theirs that makes.

    Args:
        serving: the folder; it is made where it is missing, and locked.
        cases: their digest.
        model: its digest.
        settings: all that the decision depends on.

    Raises:
        UsageError: the folder cannot be locked, or the file is damaged (`BrokenState`, which names it).
    """
    decision = hashlib.sha256(f"{model}\0{settings}".encode()).hexdigest()
    path = serving / DECISIONS_FILE
    with exclusive(serving):
        known = read_state(path, Decisions, _REMEDY) if path.exists() else Decisions(test_cases={})
        made = known["test_cases"].setdefault(cases, [])
        if decision not in made:
            made.append(decision)
            write_json(path, known)
    return made.index(decision) + 1
