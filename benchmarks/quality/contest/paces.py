"""What a step costs, as it was measured once: budgets become numbers of steps, so that a seed has one result."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from benchmarks.quality.contest.contestant import Pace
from benchmarks.quality.contest.results import kind_of
from components.errors import UsageError
from components.files import read_json, write_json

PACES = Path(__file__).parent / "paces.json"
"""In the repository: the machine on which it was measured is that of the table."""
SECONDS_A_MINUTE = 120
"""Of the processor: two cores, whatever else they do."""


def steps_of(minutes: int, data: str, split: str, method: str, paces: Path = PACES) -> int:
    """How many steps of a method fit into a budget: one at least.

    A plan, and so what a step costs, may depend on how many images there are to learn from: it is of a kind of split.

    Raises:
        UsageError: nobody has measured it.
    """
    known = read_json(paces) if paces.exists() else {}
    found = known.get(data, {}).get(kind_of(split), {})
    if method not in found:
        raise UsageError(
            f"{paces}: has no pace of {method} on {data}, {kind_of(split)}. Measure it by the verb pace, with the "
            "--data, --method and --split or --folds of the contest"
        )
    return max(1, int(minutes * SECONDS_A_MINUTE / found[method]["seconds"]))


def keep(pace: Pace, data: str, split: str, method: str, paces: Path = PACES) -> None:
    """Writes down what was measured, in place of what was."""
    known = read_json(paces) if paces.exists() else {}
    measured = {"seconds": round(pace.seconds, 4), "date": datetime.now(UTC).date().isoformat(), **pace.facts}
    of_data = known.get(data, {})
    of_kind = {**of_data.get(kind_of(split), {}), method: measured}
    write_json(paces, {**known, data: {**of_data, kind_of(split): of_kind}})
