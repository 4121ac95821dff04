"""Artifact I/O of ServingCheck."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tfx.dsl.components.base.base_executor import BaseExecutor
from tfx.types import artifact_utils
from tfx.utils import path_utils

from components.artifacts import CHECKS_FILE, Check, Checks
from components.files import read_json, write_json
from components.serving_check import core

_TIMEOUT_SECONDS = 1800


class Executor(BaseExecutor):
    """Loads the model where nothing of the training process can help it, and writes `checks.json`."""

    def Do(self, input_dict: dict, output_dict: dict, exec_properties: dict[str, Any]) -> None:
        model = Path(path_utils.serving_model_path(artifact_utils.get_single_uri(input_dict["model"])))
        examples, evaluation = (artifact_utils.get_single_uri(input_dict[key]) for key in ("examples", "evaluation"))
        forms = Path(artifact_utils.get_single_uri(input_dict["engines"])) if input_dict.get("engines") else None
        blessing = artifact_utils.get_single_instance(output_dict["blessing"])
        with TemporaryDirectory() as folder:
            served = _as_pushed(model, forms, Path(folder) / "model")
            arguments = [str(served), examples, evaluation, exec_properties["settings"]]
            checks = _run(arguments, Path(folder) / "checks.json")
        write_json(Path(blessing.uri) / CHECKS_FILE, checks)
        # The names are those of the stock InfraValidator, which the stock Pusher reads.
        verdict = "INFRA_BLESSED" if checks["passed"] else "INFRA_NOT_BLESSED"
        (Path(blessing.uri) / verdict).touch()
        blessing.set_string_custom_property("blessing_status", verdict)
        blessing.set_int_custom_property("blessed", int(checks["passed"]))


def _as_pushed(model: Path, forms: Path | None, folder: Path) -> Path:
    """The model with its engines, as links."""
    shutil.copytree(model.absolute(), folder, copy_function=os.symlink)
    if forms:
        shutil.copytree(forms.absolute(), folder / "assets.extra", copy_function=os.symlink, dirs_exist_ok=True)
    return folder


def _run(arguments: list[str], answer: Path) -> Checks:
    # -P: the current folder may have `components` of its own.
    command = [sys.executable, "-P", "-m", core.__name__, *arguments, str(answer)]
    try:
        process = subprocess.run(command, timeout=_TIMEOUT_SECONDS, capture_output=True, text=True, check=False)
    except subprocess.TimeoutExpired:
        return _failed(f"no answer within {_TIMEOUT_SECONDS} s")
    sys.stderr.write(process.stdout + process.stderr)
    if process.returncode:
        last_line = (process.stderr.strip() or "no message").splitlines()[-1]
        return _failed(f"ended with code {process.returncode}: {last_line}")
    checks: Checks = read_json(answer)
    return checks


def _failed(detail: str) -> Checks:
    return Checks(passed=False, checks=[Check(name="fresh process", passed=False, detail=detail)])
