"""Artifact I/O of BulkInferrer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from tfx.dsl.components.base.base_executor import BaseExecutor
from tfx.types import Artifact, artifact_utils
from tfx.utils import path_utils

from components.artifacts import CHAMPION_FILE, Asked
from components.bulk_inferrer.answers import CHAMPION, MIRRORED, PLAIN, answers_file, write_answers
from components.bulk_inferrer.core import incomparable
from components.bulk_inferrer.degradations import DEGRADATIONS
from components.bulk_inferrer.settings import InferrerSettings
from components.files import write_json
from components.inference.predictor import Predictor
from components.inference.stored import stored_point
from components.records.sources import read_sources
from components.records.splits import TEST
from components.serving_dir import CHAMPION_FILE as POINTER
from components.serving_dir import data_section
from components.state import broken_named

_DAMAGED = (
    "Run once with --no-cache, which copies the champion anew. If that does not help, the version served is damaged: "
    f"put it back, or delete {POINTER} to go on without a champion."
)


class Executor(BaseExecutor):
    """Asks the candidate about each split and, where there is one, the champion about the test split."""

    def Do(self, input_dict: dict, output_dict: dict, exec_properties: dict[str, Any]) -> None:
        settings = InferrerSettings.model_validate_json(exec_properties["settings"])
        examples = artifact_utils.get_single_uri(input_dict["examples"])
        inference = Path(artifact_utils.get_single_uri(output_dict["inference"]))
        predictor = Predictor(_folder(artifact_utils.get_single_instance(input_dict["model"])), settings.derivation)
        changes = settings.robustness.asked
        for split, under in [*((split, None) for split in settings.splits), *((TEST, name) for name in changes)]:
            for kind in (PLAIN, MIRRORED) if settings.mirror else (PLAIN,):
                images = _images(examples, split, under, changes)
                answers = predictor.answers(images, mirror=kind == MIRRORED)
                write_answers(answers_file(inference, kind, split, under), answers)
        [champion] = input_dict.get("champion") or [None]
        write_json(inference / CHAMPION_FILE, _ask_champion(champion, examples, inference, settings))


def _ask_champion(champion: Artifact | None, examples: str, inference: Path, settings: InferrerSettings) -> Asked:
    version = champion.get_string_custom_property("version") if champion else None
    if not (champion and version):
        return Asked(version=None, obstacle=None, operating_point=None)
    folder, expected = _folder(champion), settings.task.channels
    if obstacle := incomparable(data_section(folder), settings.derivation, settings.task):
        return Asked(version=version, obstacle=obstacle, operating_point=None)
    with broken_named(folder, _DAMAGED):
        predictor = Predictor(folder, settings.derivation)
    if predictor.channels != expected:
        obstacle = (
            f"it answers with {predictor.channels} probabilities for each pixel, not {expected}: it was made before"
        )
        return Asked(version=version, obstacle=obstacle, operating_point=None)
    point = stored_point(folder, _DAMAGED)
    write_answers(answers_file(inference, CHAMPION, TEST), predictor.answers(_images(examples, TEST)))
    return Asked(version=version, obstacle=None, operating_point=point.model_dump())


def _folder(model: Artifact) -> Path:
    return Path(path_utils.serving_model_path(model.uri))


def _images(
    examples: str, split: str, under: str | None = None, changes: Mapping[str, Any] = {}
) -> Iterator[np.ndarray]:
    for source in read_sources(examples, split):
        yield DEGRADATIONS[under](source.image, changes[under], source.id) if under else source.image
