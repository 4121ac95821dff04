"""The runs of an experiment, for machines and for people."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from rich.console import Console
from rich.table import Table

from pipeline.kubeflow.cluster.record import PENDING


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
    console = Console(highlight=False)
    if not runs:
        console.print(f"no runs in experiment {experiment}")
        return
    table = Table("name", "state", "created", "finished", "id", title=experiment, title_justify="left")
    table.columns[-1].no_wrap = True  # An id is there to be copied.
    for run in runs:
        table.add_row(
            run["name"], run["state"].lower(), *(_short(run[key]) for key in ("created", "finished")), run["id"]
        )
    console.print(table)


def _time(moment: datetime | None) -> str | None:
    """Servers write the year 1 or 1970 for what has not happened."""
    return moment.isoformat() if moment and moment.year > 1970 else None


def _short(moment: str | None) -> str:
    return moment[:19].replace("T", " ") if moment else ""
