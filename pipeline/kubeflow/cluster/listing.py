"""The runs of an experiment, for machines and for people."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pipeline.kubeflow.cluster.record import PENDING
from pipeline.terminal import Column, Terminal


def listed(run: Any) -> dict[str, Any]:
    """A run of the API, as JSON has it."""
    return {
        "id": run.run_id,
        "name": run.display_name,
        "state": run.state or PENDING,
        "created": _time(run.created_at),
        "finished": _time(run.finished_at),
        "recurring": bool(run.recurring_run_id),
    }


def print_cluster_runs(runs: list[dict[str, Any]], experiment: str) -> None:
    """A line per run."""
    terminal = Terminal(wraps=True)
    if not runs:
        terminal.say(f"no runs in experiment {experiment}")
        return
    columns = [*map(Column, ("name", "state", "created", "finished")), Column("id", whole=True)]  # to be copied
    rows = [
        (run["name"], run["state"].lower(), *map(_short, (run["created"], run["finished"])), run["id"]) for run in runs
    ]
    terminal.show(columns, rows, title=experiment)


def _time(moment: datetime | None) -> str | None:
    """Servers write the year 1 or 1970 for what has not happened."""
    return moment.isoformat() if moment and moment.year > 1970 else None


def _short(moment: str | None) -> str:
    return moment[:19].replace("T", " ") if moment else ""
