"""Artifact I/O of Ensemble."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

from tfx.dsl.components.base.base_executor import BaseExecutor
from tfx.types import artifact_utils
from tfx.utils import path_utils

from components.artifacts import HISTORY_FILE, KERAS_FILE, TRAINING_FILE, Trained, Training, read_artifact
from components.ensemble.averaging import averaged
from components.ensemble.core import training
from components.files import write_json
from components.records.settings import Derivation
from components.records.splits import fold_split
from components.serving_graph.export import export_windows


def keys_of(number: int) -> tuple[str, str]:
    """The inputs that are model and run of a fold."""
    return f"model_{number}", f"model_run_{number}"


class Executor(BaseExecutor):
    """Writes a SavedModel without a Keras model beside it, and the training of its members."""

    def Do(self, input_dict: dict, output_dict: dict, exec_properties: dict[str, Any]) -> None:
        derivation = Derivation.model_validate_json(exec_properties["settings"])
        uris = [[artifact_utils.get_single_uri(input_dict[key]) for key in keys] for keys in _given(input_dict)]
        runs = {number: Path(run) for number, (_, run) in enumerate(uris, 1)}
        summary = training({number: read_artifact(run / TRAINING_FILE, Training) for number, run in runs.items()})
        model_run = Path(artifact_utils.get_single_uri(output_dict["model_run"]))
        write_json(model_run / TRAINING_FILE, summary)
        for number, run in runs.items():
            history = model_run / fold_split(number) / HISTORY_FILE
            history.parent.mkdir()
            shutil.copy2(run / HISTORY_FILE, history)
        extras = [Path(path_utils.serving_model_path(model)) / "assets.extra" for model, _ in uris]
        folder = Path(path_utils.serving_model_dir(artifact_utils.get_single_uri(output_dict["model"])))
        export_windows(averaged([extra / KERAS_FILE for extra in extras]), folder, derivation)
        members = [read_artifact(extra / TRAINING_FILE, Trained)["config"] for extra in extras]
        config = {"members": members, "code_version": exec_properties["code_version"]}
        (folder / "assets.extra").mkdir()
        write_json(folder / "assets.extra" / TRAINING_FILE, {**summary, "config": config})


def _given(inputs: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for number in count(1):
        keys = keys_of(number)
        if not inputs.get(keys[0]):
            return
        yield keys
