"""Past runs: the folder of each, its `run.json`, and how they are listed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from components.errors import UsageError
from components.files import is_locked, read_json, write_json

RUN_FILE = "run.json"
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


def write_run(run_dir: Path, run: dict[str, Any]) -> None:
    """Replaces the `run.json` of a run in one step."""
    write_json(run_dir / RUN_FILE, run)


def list_runs(out: Path) -> Iterator[dict[str, Any]]:
    """Every run below a folder, oldest first; one whose process is gone is `killed`, one whose record cannot be read is
    `damaged`."""
    for path in sorted(out.rglob(f"runs/*/{RUN_FILE}"), key=lambda path: path.parent.name):
        yield _read_run(path.parent)


def find_run(name: str) -> dict[str, Any]:
    """The run of a folder, or of a run's id below the default output folder; its status as in `list_runs`.

    Raises:
        UsageError: there is no such run.
    """
    for folder in (Path(name), *DEFAULT_OUT.rglob(f"runs/{name}")):
        if (folder / RUN_FILE).is_file():
            return _read_run(folder)
    raise UsageError(f"{name}: no run of this name or folder. `maskline runs` lists them.")


def _read_run(folder: Path) -> dict[str, Any]:
    known = {"id": folder.name, "recipe": folder.parents[1].name, "folder": str(folder)}
    try:
        run = {**known, **read_json(folder / RUN_FILE), "folder": str(folder)}
        if run["status"] == "running" and not _is_running(run, folder.resolve()):
            run["status"] = "killed"
    except (OSError, ValueError, LookupError, TypeError) as error:
        return {**known, "status": "damaged", "reasons": [f"{RUN_FILE} cannot be read: {error}"]}
    return run


def _is_running(run: dict[str, Any], run_dir: Path) -> bool:
    """A run holds the lock of its output folder; its process may be gone and another have its number, or its lock."""
    return is_locked(run_dir.parents[1] / RUN_LOCK) and _is_alive(run["pid"])


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
