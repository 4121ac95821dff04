"""Artifact I/O of ServingCheck."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tfx.dsl.components.base.base_executor import BaseExecutor
from tfx.types import artifact_utils
from tfx.utils import path_utils

from components.artifacts import CHECKS_FILE
from components.files import read_json, write_json
from components.serving_check import core
from components.serving_check.settings import ServingCheckSettings

_TIMEOUT_SECONDS = 600


class Executor(BaseExecutor):
    """Loads the model where nothing of the training process can help it, and writes `checks.json`."""

    def Do(self, input_dict: dict, output_dict: dict, exec_properties: dict[str, Any]) -> None:
        model = path_utils.serving_model_path(artifact_utils.get_single_uri(input_dict["model"]))
        examples = artifact_utils.get_single_uri(input_dict["examples"])
        blessing = artifact_utils.get_single_instance(output_dict["blessing"])
        settings = ServingCheckSettings.model_validate_json(exec_properties["settings"])
        checks = _run(model, examples, settings)
        passed = all(check["passed"] for check in checks)
        write_json(Path(blessing.uri) / CHECKS_FILE, {"passed": passed, "checks": checks})
        # The names are those of the stock InfraValidator, which the stock Pusher reads.
        (Path(blessing.uri) / ("INFRA_BLESSED" if passed else "INFRA_NOT_BLESSED")).touch()
        blessing.set_string_custom_property("blessing_status", "INFRA_BLESSED" if passed else "INFRA_NOT_BLESSED")
        blessing.set_int_custom_property("blessed", int(passed))


def _run(model: str, examples: str, settings: ServingCheckSettings) -> list[dict[str, Any]]:
    with TemporaryDirectory() as folder:
        answer = Path(folder) / "checks.json"
        # -P: the current folder may have `components` of its own.
        command = [sys.executable, "-P", "-m", core.__name__, model, examples, settings.model_dump_json(), str(answer)]
        try:
            process = subprocess.run(command, timeout=_TIMEOUT_SECONDS, capture_output=True, text=True, check=False)
        except subprocess.TimeoutExpired:
            return [_failed(f"no answer within {_TIMEOUT_SECONDS} s")]
        sys.stderr.write(process.stdout + process.stderr)
        if process.returncode:
            last_line = (process.stderr.strip() or "no message").splitlines()[-1]
            return [_failed(f"ended with code {process.returncode}: {last_line}")]
        return read_json(answer)


def _failed(detail: str) -> dict[str, Any]:
    return {"name": "fresh process", "passed": False, "detail": detail}
