"""Artifact I/O of DataGate."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import tensorflow as tf
from tensorflow_metadata.proto.v0 import anomalies_pb2
from tfx.dsl.components.base.base_executor import BaseExecutor
from tfx.types import artifact_utils

from components.artifacts import REJECTS_FILE, SPLIT_REPORT_FILE
from components.data_gate.core import Entry, find_problems, split_report
from components.errors import DataRefused
from components.files import read_json, write_json
from components.splits import SPLITS
from components.tfexample import read_split

_FEATURES = {
    "sample/id": tf.io.FixedLenFeature([], tf.string),
    "sample/group": tf.io.FixedLenFeature([], tf.string),
    "sample/source": tf.io.FixedLenFeature([], tf.string),
    "image/sha256": tf.io.FixedLenFeature([], tf.string),
    "mask/foreground_fraction": tf.io.FixedLenFeature([], tf.float32),
}


class Executor(BaseExecutor):
    """Writes `split_report.json`; raises `DataRefused`, with the report, when there is a reason to stop."""

    def Do(self, input_dict: dict, output_dict: dict, exec_properties: dict[str, Any]) -> None:
        settings = json.loads(exec_properties["settings"])
        examples = artifact_utils.get_single_uri(input_dict["examples"])
        anomalies = artifact_utils.get_single_uri(input_dict["anomalies"])
        rejects = read_json(Path(examples) / REJECTS_FILE)
        entries = [entry for split in SPLITS for entry in _entries(examples, split)]
        problems = find_problems(
            entries,
            rejects,
            {split: _anomalies(Path(anomalies) / f"Split-{split}" / "SchemaDiff.pb") for split in SPLITS},
            settings,
        )
        report = split_report(entries, rejects, problems)
        if problems:
            raise DataRefused([problem.message for problem in problems], report)
        write_json(Path(artifact_utils.get_single_uri(output_dict["split_report"])) / SPLIT_REPORT_FILE, report)


def _entries(examples: str, split: str) -> Iterator[Entry]:
    for serialized in read_split(examples, split):
        features = tf.io.parse_single_example(serialized, _FEATURES)
        yield Entry(
            id=_text(features["sample/id"]),
            group=_text(features["sample/group"]),
            source=_text(features["sample/source"]),
            split=split,
            sha256=features["image/sha256"].numpy().hex(),
            has_foreground=bool(features["mask/foreground_fraction"] > 0),
        )


def _anomalies(path: Path) -> list[str]:
    found = anomalies_pb2.Anomalies.FromString(path.read_bytes())
    whole = [found.dataset_anomaly_info] if found.HasField("dataset_anomaly_info") else []
    return [
        *(f"{name}: {info.description}" for name, info in sorted(found.anomaly_info.items())),
        *(info.description for info in whole),
    ]


def _text(feature: tf.Tensor) -> str:
    return feature.numpy().decode()
