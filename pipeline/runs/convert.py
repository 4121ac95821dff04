"""`maskline convert MODEL`: a copy of a served model that offers a faster engine, where its masks are as good."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from components.artifacts import ACCOUNT_FILE, Account, offered, read_artifact
from components.disk import ask_room, folder_size
from components.engine_export.core import add_form
from components.engine_export.measured import Cases, Served
from components.errors import ExitCode, UsageError
from components.files import write_json
from components.inference.engines.offered import verdicts
from components.inference.engines.registry import FORMS, engine_module
from components.inference.model import load_model
from components.serving_dir import MANIFEST_FILE, read_paper
from components.serving_papers import Manifest
from pipeline.config.loader import changed_config
from pipeline.graph.roles import Role
from pipeline.runs.folders import artifact_folder, find_run
from pipeline.runs.new_folder import new_folder, refuse_existing
from pipeline.runs.record import RUN_FILE
from pipeline.runs.served import version_folder


def convert(model: Path, form: str, run: str, out: Path) -> dict[str, Any]:
    """Writes the copy, and returns the verdict on it with `form`, `model` and `out`.

    Args:
        model: as `version_folder` takes it, or a copy from before, which keeps what it offers.
        form: of `FORMS`.
        run: as `find_run` takes it, of the model's data: its records that were trained on make the form, and those that
            validated it judge.
        out: a new folder.

    Raises:
        UsageError: there is no such model or run, they do not belong together, the engine is not installed, or `out`
            cannot be made.
        DiskFull: there is no room for the copy.
    """
    engine, precision = FORMS[form]
    engine_module(engine, converts=True)
    refuse_existing(out)
    version = version_folder(model)
    cases = _cases(run, version)
    with new_folder(out) as made:
        ask_room(made, 2 * folder_size(version), f"the model's copy of {version}")
        shutil.copytree(version, made, dirs_exist_ok=True)
        loaded = load_model(made)
        served = Served(made, loaded.task, loaded.derivation, loaded.point)
        verdict = add_form(served, engine, precision, cases)
        manifest = {**read_paper(made / MANIFEST_FILE, Manifest), "engines": offered({"engines": {**verdicts(made)}})}
        write_json(made / MANIFEST_FILE, manifest)
    return {"form": form, "model": str(version), "out": str(out), **verdict}


def exit_code(told: dict[str, Any]) -> ExitCode:
    return ExitCode.DONE if told["offered"] else ExitCode.REFUSED


def _cases(run: str, version: Path) -> Cases:
    """The records of a run, if they are those that the model was made of."""
    record = find_run(run)
    examples = artifact_folder(record, Role.EXAMPLES)
    config = changed_config(record.config, [], Path(record.folder or run) / RUN_FILE)
    data = read_artifact(examples / ACCOUNT_FILE, Account)["data_fingerprint"]
    known = read_paper(version / MANIFEST_FILE, Manifest).get("data_fingerprint")
    if known not in (None, data):
        raise UsageError(
            f"{run}: is of other data than {version}, which may have learnt what is validation there. Give the run "
            f"that pushed it: {MANIFEST_FILE} names it"
        )
    settings = config.engine_exporter
    return Cases(str(examples), settings.learnt, settings.judged, settings.empty_masks)
