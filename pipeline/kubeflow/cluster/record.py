"""What became of a run on the cluster."""

from __future__ import annotations

from pydantic import Field

from components.errors import ExitCode
from pipeline.runs.record import Json, RunRecord, Status, Step

PENDING = "PENDING"
"""The state of a run of which the cluster does not say one yet."""

_STATUS: dict[int, Status] = {
    ExitCode.DONE: "done",
    ExitCode.DATA_REFUSED: "refused by the data gate",
    ExitCode.STILL_RUNNING: "running",
    ExitCode.INTERRUPTED: "interrupted",
}


class ClusterRun(Json):
    """A run, as `maskline kubeflow submit --json` prints it."""

    id: str
    name: str | None = None
    version: str | None = None
    url: str | None = None
    state: str
    """As the cluster says it, such as `SUCCEEDED`."""
    exit_code: int
    """An `ExitCode`."""
    steps: list[Step] = Field(default_factory=list)
    """The nodes of the graph that have ended."""
    reasons: list[str] = Field(default_factory=list)
    """Why it failed, as far as the server tells."""

    def recorded(self, recipe: str) -> RunRecord:
        """The record that a run here would have left, as far as the cluster tells."""
        status = _STATUS.get(self.exit_code, "failed")
        return RunRecord(
            id=self.id, recipe=recipe, status=status, exit_code=self.exit_code, steps=self.steps, reasons=self.reasons
        )
