"""Past runs: the folder of each, and how they are listed and found."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from components.errors import UsageError
from components.files import is_locked
from components.state import BrokenState
from pipeline.graph.roles import Role
from pipeline.runs.record import RUN_FILE, RunRecord, read_run

RUN_LOCK = ".lock"
"""In an output folder: held by the run that is on."""
DEFAULT_OUT = Path("maskline-out")


def new_run_dir(out: Path) -> Path:
    """A new folder `out/runs/TIME`, made in UTC; runs started within one second get a number."""
    time = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    for name in (time, *(f"{time}-{number:02d}" for number in range(2, 100))):
        try:
            (out / "runs" / name).mkdir(parents=True)
        except FileExistsError:
            continue
        return out / "runs" / name
    raise UsageError(f"{out}: too many runs were started within one second")


def list_runs(out: Path) -> Iterator[RunRecord]:
    """Every run below a folder, oldest first; one whose process is gone is `killed`, one whose record cannot be read is
    `damaged`."""
    for folder in sorted(filter(_is_run, out.rglob("runs/*")), key=lambda folder: folder.name):
        yield _run(folder)


def find_run(name: str) -> RunRecord:
    """The run of a folder or of its `run.json`, the last of an output folder, or that of an id below the default output
    folder; its status as in `list_runs`.

    Raises:
        UsageError: there is no such run.
    """
    path = Path(name)
    folder = path.parent if path.name == RUN_FILE else path
    last = sorted(filter(_is_run, folder.glob("runs/*")), key=lambda run: run.name)[-1:]
    for found in (folder, *last, *DEFAULT_OUT.rglob(f"runs/{name}")):
        if _is_run(found):
            return _run(found)
    raise UsageError(f"{name}: no run of this name or folder. `maskline runs` lists them.")


def artifact_folder(record: RunRecord, role: Role) -> Path:
    """Beside the run, where its output folder may have been moved to; else where it was.

    Raises:
        BrokenState: the record does not say where.
    """
    run, key = Path(record.folder or "").resolve(), role.name.lower()
    if key not in record.artifacts:
        raise BrokenState(f"{run / RUN_FILE}: artifacts.{key}: missing. Give the command of that run again")
    return beside_run(record, Path(record.artifacts[key]))


def output_of(record: RunRecord) -> Path:
    """The output folder of a run, where it is now."""
    return Path(record.folder or "").resolve().parent.parent


def beside_run(record: RunRecord, made: Path) -> Path:
    """Where an artifact of a run is, by where it was made."""
    beside = output_of(record).joinpath("artifacts", *made.parts[-3:])
    return beside if beside.is_dir() else made


def _is_run(folder: Path) -> bool:
    """Also where its record is a link that points nowhere, or a folder: it is damaged, and not gone."""
    return os.path.lexists(folder / RUN_FILE)


def _run(folder: Path) -> RunRecord:
    try:
        run = read_run(folder)
        if run.status == "running" and not _is_running(run, folder.resolve()):
            run.status = "killed"
    except (OSError, BrokenState) as error:
        recipe = folder.absolute().parent.parent.name
        return RunRecord(id=folder.name, recipe=recipe, folder=str(folder), status="damaged", reasons=[str(error)])
    return run


def _is_running(run: RunRecord, run_dir: Path) -> bool:
    """A run holds the lock of its output folder; its process may be gone and another have its number, or its lock.

    Raises:
        BrokenState: the lock is held, and the record does not say by which process it would be.
    """
    if not is_locked(run_dir.parent.parent / RUN_LOCK):
        return False
    if run.pid is None:
        raise BrokenState(f"{run_dir / RUN_FILE}: pid: missing, and a run is on. Wait for its end.")
    return _is_alive(run.pid)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
