"""Artifact I/O of DataGate."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tensorflow_metadata.proto.v0 import anomalies_pb2
from tfx.dsl.components.base.base_executor import BaseExecutor
from tfx.types import Artifact, artifact_utils
from tfx.utils import path_utils

from components.artifacts import ACCOUNT_FILE, Account, read_artifact
from components.data_gate.core import Champion, read_champion, split_report
from components.data_gate.entries import entry_of
from components.data_gate.near_duplicates import find_near_duplicates
from components.data_gate.settings import GateSettings
from components.errors import DataRefused
from components.example_gen.settings import DataSettings
from components.files import write_json
from components.records.tfexample import parse_header, read_split
from components.seen.prints import SIGNATURES_FILE, prints_of, write_prints
from components.serving_dir import SPLIT_REPORT_FILE


class Executor(BaseExecutor):
    """Writes `split_report.json` and the signatures; raises `DataRefused`, with the report, when there is a reason to
    stop."""

    def Do(self, input_dict: dict, output_dict: dict, exec_properties: dict[str, Any]) -> None:
        examples = artifact_utils.get_single_uri(input_dict["examples"])
        anomalies = Path(artifact_utils.get_single_uri(input_dict["anomalies"]))
        data = DataSettings.model_validate_json(exec_properties["data"])
        splits = data.run_splits
        entries = [entry_of(parse_header(record), split) for split in splits for record in read_split(examples, split)]
        report = split_report(
            entries,
            read_artifact(Path(examples) / ACCOUNT_FILE, Account),
            {split: list(_anomalies(anomalies / f"Split-{split}" / "SchemaDiff.pb")) for split in splits},
            GateSettings.model_validate_json(exec_properties["settings"]),
            find_near_duplicates,
            data,
            _champion(artifact_utils.get_single_instance(input_dict["champion"])),
        )
        if report["problems"]:
            raise DataRefused([problem["message"] for problem in report["problems"]], report)
        folder = Path(artifact_utils.get_single_uri(output_dict["split_report"]))
        write_json(folder / SPLIT_REPORT_FILE, report)
        # Of records of before there were signatures some have none.
        signatures = {entry.sha256: entry.signature for entry in entries if entry.signature}
        write_prints(folder / SIGNATURES_FILE, prints_of(signatures))


def _champion(artifact: Artifact) -> Champion | None:
    version = artifact.get_string_custom_property("version")
    if not version:
        return None
    return read_champion(Path(path_utils.serving_model_dir(artifact.uri)), version)


def _anomalies(path: Path) -> Iterator[str]:
    found = anomalies_pb2.Anomalies.FromString(path.read_bytes())
    for name, info in sorted(found.anomaly_info.items()):
        yield f"{name}: {info.description}"
    if found.HasField("dataset_anomaly_info"):
        yield found.dataset_anomaly_info.description
