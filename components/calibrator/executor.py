"""Artifact I/O of Calibrator."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from tfx.dsl.components.base.base_executor import BaseExecutor
from tfx.types import artifact_utils
from tfx.utils import path_utils

from components.artifacts import OPERATING_POINT_FILE, TRAINING_FILE, Trained, read_artifact
from components.bulk_inferrer.answered import Kept, inference_key
from components.calibrator.core import choose, threshold_curve, values
from components.calibrator.settings import CalibratorSettings
from components.files import write_json
from components.inference.operating_point import OperatingPoint
from components.inference.stored import POINT
from components.measures.measure import ClassMeasure
from components.records.sources import read_sources
from components.records.splits import OUT_OF_FOLD, VALIDATION
from components.serving_graph.export import Windows, export_model
from components.serving_graph.warmup import write_warmup


class Executor(BaseExecutor):
    """Writes the model as it is served, with what was chosen, and why, beside it."""

    def Do(self, input_dict: dict, output_dict: dict, exec_properties: dict[str, Any]) -> None:
        settings = CalibratorSettings.model_validate_json(exec_properties["settings"])
        examples = artifact_utils.get_single_uri(input_dict["examples"])
        kept = [
            Kept(examples, _inference(input_dict, number), split, settings.task, settings.derivation)
            for number, split in enumerate(settings.splits, 1)
        ]
        groups = [source.group for split in settings.splits for source in read_sources(examples, split)]

        def score(points: Sequence[OperatingPoint], measure: ClassMeasure) -> np.ndarray:
            return _scores(kept, points, measure, settings)

        point, trials = choose(score, groups, settings)
        folder = Path(path_utils.serving_model_dir(artifact_utils.get_single_uri(output_dict["calibrated"])))
        own = Path(path_utils.serving_model_path(artifact_utils.get_single_uri(input_dict["model"])))
        export_model(Windows(own), folder, settings.task, point, settings.derivation, settings.max_pixels)
        _copy_extra(own, folder, point)
        found = {
            POINT: point.model_dump(),
            "split": VALIDATION if settings.splits == [VALIDATION] else OUT_OF_FOLD,
            "cases": len(groups),
            "groups": len(set(groups)),
            "tried": [trial.as_json() for trial in trials],
            "thresholds": threshold_curve(score, point, settings.task),
        }
        write_json(folder / "assets.extra" / OPERATING_POINT_FILE, found)
        write_warmup(folder, settings.derivation)


def _inference(inputs: dict[str, Any], number: int) -> Path:
    return Path(artifact_utils.get_single_uri(inputs[inference_key(number)]))


def _scores(
    kept: Sequence[Kept], points: Sequence[OperatingPoint], measure: ClassMeasure, settings: CalibratorSettings
) -> np.ndarray:
    """`(points, classes, cases)`; answers are read once for neighbours among the points that take the same ones."""
    alike = groupby(points, lambda point: (point.mirror, point.temperature))
    return np.concatenate([_scores_of_alike(kept, list(some), measure, settings) for _, some in alike])


def _scores_of_alike(
    kept: Sequence[Kept], points: Sequence[OperatingPoint], measure: ClassMeasure, settings: CalibratorSettings
) -> np.ndarray:
    cases = [
        [
            [*values(each, point.mask(each.probability, settings.task, each.scale), measure, settings)]
            for point in points
        ]
        for split in kept
        for each in split.by(points[0])
    ]
    found = np.array(cases, np.float64).reshape(len(cases), len(points), len(settings.task.classes))
    return np.moveaxis(found, 0, -1)


def _copy_extra(own: Path, folder: Path, point: OperatingPoint) -> None:
    """What lies beside the model's own answers, with the operating point in what it is known by."""
    shutil.copytree(own / "assets.extra", folder / "assets.extra")
    path = folder / "assets.extra" / TRAINING_FILE
    training = read_artifact(path, Trained)
    write_json(path, {**training, "config": {**training["config"], POINT: point.model_dump()}})
