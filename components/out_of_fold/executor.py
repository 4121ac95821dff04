"""Artifact I/O of OutOfFold."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

from tfx.dsl.components.base.base_executor import BaseExecutor
from tfx.types import artifact_utils

from components.artifacts import CASES_FILE, METRICS_FILE, TRAINING_FILE, Training, read_artifact
from components.evaluator.per_case import read_cases, write_cases
from components.evaluator.settings import EvaluatorSettings
from components.files import write_json
from components.out_of_fold.core import Fold, out_of_fold, pooled_cases


def keys_of(number: int) -> tuple[str, str]:
    """The inputs that are run and evaluation of a fold."""
    return f"model_run_{number}", f"evaluation_{number}"


class Executor(BaseExecutor):
    """Pools the cases of all folds."""

    def Do(self, input_dict: dict, output_dict: dict, exec_properties: dict[str, Any]) -> None:
        settings = EvaluatorSettings.model_validate_json(exec_properties["settings"])
        folds = list(_folds(input_dict))
        evaluation = Path(artifact_utils.get_single_uri(output_dict["out_of_fold"]))
        write_json(evaluation / METRICS_FILE, out_of_fold(folds, settings))
        write_cases(evaluation / CASES_FILE, pooled_cases(folds))


def _folds(inputs: dict[str, Any]) -> Iterator[Fold]:
    for number in count(1):
        run, evaluation = keys_of(number)
        if not inputs.get(run):
            return
        trained = read_artifact(Path(artifact_utils.get_single_uri(inputs[run])) / TRAINING_FILE, Training)
        cases = read_cases(Path(artifact_utils.get_single_uri(inputs[evaluation])) / CASES_FILE)
        yield Fold(number, trained, cases)
