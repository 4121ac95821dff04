"""The report of a run that has ended, written again for others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from components.artifacts import REPORT_FILE
from components.errors import UsageError
from pipeline.runs.folders import beside_run, find_run, output_of
from pipeline.runs.new_folder import new_folder, refuse_existing
from pipeline.runs.record import RunRecord
from pipeline.runs.store import STORE_FILE, made_by

_AGAIN = "Give the command of that run again, which makes it anew"


def report_of(run: str) -> Path:
    """The HTML report that a run has left.

    Raises:
        UsageError: there is no such run, or it has none.
    """
    return _reported(run)[1]


def write_again(run: str, out: Path | None, anonymous: bool) -> Path:
    """Writes the report of a run into a new folder, `anonymous` with ids in place of names, and returns the page.

    Raises:
        UsageError: as `report_of`; there is no `out`, or it is there already; what the report was made of is gone.
    """
    if out is None:
        raise UsageError("--anonymous: the report of the run stays as it is. Say where another goes: --out DIR")
    refuse_existing(out)
    record, _ = _reported(run)
    # Not before all that can be found without it.
    from components.run_report.settings import ReportSettings
    from components.run_report.written import write_report
    from pipeline.runs.anonymous import names_of_run, write_names

    inputs, settings = _made_of(record)
    names = names_of_run(record) if anonymous else None
    with new_folder(out) as folder:
        hidden = write_report(inputs, ReportSettings.model_validate_json(settings), folder, names)
    if hidden:
        write_names(record, hidden)
    return out / REPORT_FILE


def _reported(run: str) -> tuple[RunRecord, Path]:
    record = find_run(run)
    if not record.report:
        reasons = "; ".join(record.reasons or ["it did not come that far"])
        raise UsageError(f"{run}: has no report. Its status is {record.status!r}: {reasons}")
    return record, beside_run(record, Path(record.report).parent) / Path(record.report).name


def _made_of(record: RunRecord) -> tuple[dict[str, Any], str]:
    """The artifacts by key, where they are now, and the settings of the node that has written the report."""
    store = output_of(record) / STORE_FILE
    if not store.is_file() or not (made := made_by(store, record.artifacts.get("report", ""))):
        raise UsageError(f"{store}: does not know what the report was made of. {_AGAIN}")
    inputs, settings = made
    for artifact in inputs.values():
        artifact.uri = str(beside_run(record, Path(artifact.uri)))
        if not Path(artifact.uri).is_dir():
            raise UsageError(f"{artifact.uri}: is gone, and the report was made of it. {_AGAIN}")
    return inputs, settings
