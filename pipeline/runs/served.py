"""A served model, as it is named on the command line."""

from __future__ import annotations

from pathlib import Path

from components.errors import UsageError
from components.serving_dir import MANIFEST_FILE, champion_version
from pipeline.runs.record import RUN_FILE, read_run


def version_folder(model: Path) -> Path:
    """The folder of a version: itself, the champion of a serving folder, or what a run has pushed.

    Raises:
        UsageError: there is none, or what names it is damaged.
    """
    if (model / RUN_FILE).is_file():
        run = read_run(model)
        if run.pushed is None:
            raise UsageError(f"{model}: this run has pushed nothing. Give a version's folder, or a serving folder")
        return Path(run.pushed.path)
    version = champion_version(model)
    folder = model / version if version else model
    if not (folder / MANIFEST_FILE).is_file():
        raise UsageError(
            f"{model}: holds neither {MANIFEST_FILE} nor CHAMPION.json. Give a version's folder, its parent, or the "
            "folder of the run that pushed it"
        )
    return folder
