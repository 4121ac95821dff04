"""Artifact I/O of BulkInferrer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from tfx.dsl.components.base.base_executor import BaseExecutor
from tfx.types import artifact_utils
from tfx.utils import path_utils

from components.bulk_inferrer.answers import MIRRORED, PLAIN, answers_file, write_answers
from components.bulk_inferrer.degradations import DEGRADATIONS
from components.bulk_inferrer.settings import InferrerSettings
from components.inference.predictor import Predictor
from components.records.sources import read_sources
from components.records.splits import TEST


class Executor(BaseExecutor):
    """Asks the model about each split, and about the test split as often as robustness is asked for."""

    def Do(self, input_dict: dict, output_dict: dict, exec_properties: dict[str, Any]) -> None:
        settings = InferrerSettings.model_validate_json(exec_properties["settings"])
        examples = artifact_utils.get_single_uri(input_dict["examples"])
        inference = Path(artifact_utils.get_single_uri(output_dict["inference"]))
        model = path_utils.serving_model_path(artifact_utils.get_single_uri(input_dict["model"]))
        predictor = Predictor(Path(model), settings.derivation)
        changes = settings.robustness.asked
        for split, under in [*((split, None) for split in settings.splits), *((TEST, name) for name in changes)]:
            for kind in (PLAIN, MIRRORED) if settings.mirror else (PLAIN,):
                images = _images(examples, split, under, changes)
                answers = predictor.answers(images, mirror=kind == MIRRORED)
                write_answers(answers_file(inference, kind, split, under), answers)


def _images(
    examples: str, split: str, under: str | None = None, changes: Mapping[str, Any] = {}
) -> Iterator[np.ndarray]:
    for source in read_sources(examples, split):
        yield DEGRADATIONS[under](source.image, changes[under], source.id) if under else source.image
