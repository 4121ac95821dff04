"""A served model, as it is named on the command line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from components.errors import UsageError
from components.serving_dir import CHAMPION_FILE, MANIFEST_FILE, champion_version
from components.unpacked import unpacked
from pipeline.runs.record import RUN_FILE, read_run

SERVING = "serving"
"""In an output folder, unless `[serving] destination` says another."""
_SAVED_MODEL = "saved_model.pb"


@contextmanager
def opened(model: Path) -> Iterator[Path]:
    """The folder of a SavedModel: as `version_folder`; itself, also without the papers of a push; or that in a `.zip`,
    unpacked for so long.

    Raises:
        UsageError: there is none.
    """
    if model.is_file():
        if model.suffix.lower() != ".zip":
            raise UsageError(
                f"{model}: a file, expected the folder of a model, or a .zip of it. It comes before images"
            )
        with unpacked(model) as folder:
            _refuse_run(model, folder)
            yield model_folder(folder)
    else:
        yield model_folder(model)


def model_folder(model: Path) -> Path:
    """As `opened`, of a folder."""
    return model if (model / _SAVED_MODEL).is_file() else version_folder(model)


def _refuse_run(archive: Path, folder: Path) -> None:
    """A run's folder says where its model is: nowhere within."""
    if (folder / RUN_FILE).is_file():
        pushed = read_run(folder).pushed
        where = f"was pushed to {pushed.path}" if pushed else "was not pushed"
        raise UsageError(
            f"{archive}: is of a run, whose model is not in it: it {where}. "
            "Give the folder of a version, or a .zip of it"
        )


def version_folder(model: Path) -> Path:
    """The folder of a version: itself, the champion of a serving or an output folder, or what a run has pushed.

    Raises:
        UsageError: there is none, or what names it is damaged.
    """
    if (model / RUN_FILE).is_file():
        run = read_run(model)
        if run.pushed is None:
            raise UsageError(f"{model}: this run has pushed nothing. Give a version's folder, or a serving folder")
        return Path(run.pushed.path)
    if (model / SERVING / CHAMPION_FILE).is_file():
        model = model / SERVING
    version = champion_version(model)
    folder = model / version if version else model
    if not (folder / MANIFEST_FILE).is_file():
        raise UsageError(
            f"{model}: holds neither {MANIFEST_FILE} nor CHAMPION.json. Give a version's folder, its parent, that of a "
            "run that pushed, or the output folder"
        )
    return folder
