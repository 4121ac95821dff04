"""What a step costs, as it was measured once: budgets become numbers of steps, so that a seed has one result."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from benchmarks.quality.contest.contestant import Pace
from components.errors import UsageError
from components.files import read_json, write_json

PACES = Path(__file__).parent / "paces.json"
"""In the repository: the machine on which it was measured is that of the table."""
SECONDS_A_MINUTE = 120
"""Of the processor: two cores, whatever else they do."""


def steps_of(minutes: int, data: str, method: str, paces: Path = PACES) -> int:
    """How many steps of a method fit into a budget: one at least.

    Raises:
        UsageError: nobody has measured it.
    """
    known = read_json(paces) if paces.exists() else {}
    if method not in known.get(data, {}):
        raise UsageError(
            f"{paces}: has no pace of {method} on {data}. Measure it: "
            f"python -m benchmarks.quality pace --data {data} --method {method}"
        )
    return max(1, int(minutes * SECONDS_A_MINUTE / known[data][method]["seconds"]))


def keep(pace: Pace, data: str, method: str, paces: Path = PACES) -> None:
    """Writes down what was measured, in place of what was."""
    known = read_json(paces) if paces.exists() else {}
    measured = {"seconds": round(pace.seconds, 4), "date": datetime.now(UTC).date().isoformat(), **pace.facts}
    write_json(paces, {**known, data: {**known.get(data, {}), method: measured}})
