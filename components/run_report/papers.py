"""The papers of a run, read from its artifacts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tfx.types import Artifact
from tfx.utils import path_utils

from components.artifacts import (
    ACCOUNT_FILE,
    CASES_FILE,
    CHECKS_FILE,
    ENGINES_FILE,
    HISTORY_FILE,
    METRICS_FILE,
    OPERATING_POINT_FILE,
    TRAINING_FILE,
    Account,
    Checks,
    Engines,
    FoldMetrics,
    Metrics,
    OperatingPoint,
    Training,
    read_artifact,
)
from components.machine import processor, versions
from components.run_report.lineage import CODE, CONFIG, ENVIRONMENT, MODEL, OUT_OF_FOLD, Paper, digest_of, json_paper
from components.run_report.settings import ReportSettings
from components.serving_dir import SPLIT_REPORT_FILE
from components.serving_papers import RunSplitReport
from components.weights import model_sha256

_FILES: Mapping[str, tuple[str, type]] = {
    ACCOUNT_FILE: ("examples", Account),
    SPLIT_REPORT_FILE: ("split_report", RunSplitReport),
    TRAINING_FILE: ("model_run", Training),
    METRICS_FILE: ("evaluation", Metrics),
    CHECKS_FILE: ("infra_blessing", Checks),
}
"""By name of the file, the input that it is in and its shape."""
_TABLES = {HISTORY_FILE: "model_run", CASES_FILE: "evaluation"}
"""Whose rows are read elsewhere."""


def papers_of(inputs: Mapping[str, Artifact], settings: ReportSettings) -> dict[str, Paper]:
    """By name; of what a run does not have there is none.

    Raises:
        UsageError: one of them cannot be read, or has another shape.
    """
    return {**dict(_read(inputs)), **dict(_tables(inputs)), **_made(inputs, settings)}


def _read(inputs: Mapping[str, Artifact]) -> Iterator[tuple[str, Paper]]:
    for name, (key, shape) in _FILES.items():
        yield name, _paper(inputs[key], Path(inputs[key].uri) / name, shape)
    if folds := inputs.get("out_of_fold"):
        yield OUT_OF_FOLD, _paper(folds, Path(folds.uri) / METRICS_FILE, FoldMetrics)
    if engines := inputs.get("engines"):
        yield ENGINES_FILE, _paper(engines, Path(engines.uri) / ENGINES_FILE, Engines)
    point = _exported(inputs) / "assets.extra" / OPERATING_POINT_FILE
    if point.is_file():
        yield OPERATING_POINT_FILE, _paper(inputs["model"], point, OperatingPoint)


def _paper(artifact: Artifact, path: Path, shape: type) -> Paper:
    return Paper(artifact.type_name, digest_of(path), read_artifact(path, shape))


def _tables(inputs: Mapping[str, Artifact]) -> Iterator[tuple[str, Paper]]:
    for name, key in _TABLES.items():
        path = Path(inputs[key].uri) / name
        if path.is_file():
            yield name, Paper(inputs[key].type_name, digest_of(path), {})


def _made(inputs: Mapping[str, Artifact], settings: ReportSettings) -> dict[str, Paper]:
    """What stands in no file, or in many."""
    version = inputs["pushed_model"].get_string_custom_property("pushed_version")
    told: dict[str, Any] = {"format": "TensorFlow SavedModel", "version": version or None}
    return {
        MODEL: Paper(inputs["model"].type_name, model_sha256(_exported(inputs)), told),
        CONFIG: json_paper("recipe", settings.config),
        CODE: json_paper("graph", settings.code),
        ENVIRONMENT: json_paper("process", {"versions": versions(), "processor": processor()}),
    }


def _exported(inputs: Mapping[str, Artifact]) -> Path:
    return Path(path_utils.serving_model_path(inputs["model"].uri))
