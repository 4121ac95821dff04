"""Artifact I/O of Pusher."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tfx.components.pusher import executor
from tfx.types import Artifact, artifact_utils

from components.artifacts import (
    CHECKS_FILE,
    ENGINES_FILE,
    METRICS_FILE,
    TRAINING_FILE,
    Checks,
    Engines,
    Metrics,
    Trained,
    offered,
    read_artifact,
)
from components.disk import ask_room, folder_size
from components.pusher.disclosure import disclose, disclosed_metrics, disclosed_provenance
from components.pusher.settings import PusherSettings
from components.serving_dir import SPLIT_REPORT_FILE, champion_version, exclusive, read_manifest
from components.serving_papers import Manifest, RunSplitReport
from components.serving_push import push
from components.weights import check_weights, model_sha256

REASON = "reason"
REFUSED = "refused"
"""Custom properties of a pushed-model artifact that was not pushed."""
BRING_BACK = "maskline registry rollback --to VERSION brings a version back"


class Executor(executor.Executor):
    """The stock executor's blessings, but a version appears whole or not at all, with its manifest."""

    def Do(self, input_dict: dict, output_dict: dict, exec_properties: dict[str, Any]) -> None:
        pushed = artifact_utils.get_single_instance(output_dict["pushed_model"])
        settings = PusherSettings.model_validate_json(exec_properties["settings"])
        serving = Path(exec_properties["serving_dir"])
        if not self.CheckBlessing(input_dict):
            self._keep_back(pushed, "the candidate is not blessed", refused=True)
            return
        model = Path(self.GetModelPath(input_dict))
        digest = model_sha256(model)
        papers = Path(artifact_utils.get_single_uri(input_dict["split_report"]))
        split_report = papers / SPLIT_REPORT_FILE
        training = read_artifact(model / "assets.extra" / TRAINING_FILE, Trained)
        evaluation = Path(artifact_utils.get_single_uri(input_dict["evaluation"]))
        metrics = read_artifact(evaluation / METRICS_FILE, Metrics)
        infra = Path(artifact_utils.get_single_uri(input_dict["infra_blessing"]))
        forms = Path(artifact_utils.get_single_uri(input_dict["engines"])) if input_dict.get("engines") else None
        engines = offered(read_artifact(forms / ENGINES_FILE, Engines)) if forms else {}
        with exclusive(serving):
            champion = champion_version(serving)
            served = read_manifest(serving, champion) if champion else None
            withdrawn = served.get("withdrawn", []) if served else []
            if digest in withdrawn:
                self._keep_back(pushed, f"the candidate was rolled back before: {BRING_BACK}", refused=True)
                return
            if champion and served and _is_same(served, digest, engines):
                check_weights(serving / champion)
                self._keep_back(pushed, f"the candidate is the model served as version {champion}")
                return
            compared = metrics["champion"]["version"] if metrics["champion"] else None
            if champion != compared:
                reason = f"the champion is now {champion}, the candidate was compared with {compared}: run again"
                self._keep_back(pushed, reason, refused=True)
                return
            manifest = {
                "run": exec_properties["run"],
                **disclosed_provenance(settings, serving),
                "pushed_at": datetime.now(UTC).isoformat(timespec="seconds"),
                "model_sha256": digest,
                "replaces": champion,
                "withdrawn": withdrawn,
                "data_fingerprint": read_artifact(split_report, RunSplitReport)["data_fingerprint"],
                # By these the next training knows when a cold start is due.
                "start": training.get("start"),
                "warm_starts": training.get("warm_starts", 0),
                # Null where all were drawn.
                "weights": training.get("weights"),
                # Models whose probabilities the version averages, one for each fold.
                "members": training.get("members", 1),
                "engines": engines,
                # Of requests on the machine of the check: what a server takes may be more.
                "cost": read_artifact(infra / CHECKS_FILE, Checks).get("cost", {}),
                "metrics": disclosed_metrics(metrics, settings.disclosure, serving),
            }
            ask_room(serving, folder_size(model) + (folder_size(forms) if forms else 0), f"the model's copy of {model}")
            with TemporaryDirectory() as folder:
                disclosed = disclose(papers, Path(folder), settings.disclosure, serving)
                version = push(model, serving, manifest, *disclosed, extra=forms)
        self._MarkPushed(pushed, pushed_destination=str(serving / version), pushed_version=version)

    def _keep_back(self, pushed: Artifact, reason: str, refused: bool = False) -> None:
        self._MarkNotPushed(pushed)
        pushed.set_int_custom_property(REFUSED, int(refused))
        pushed.set_string_custom_property(REASON, reason)


def _is_same(champion: Manifest, digest: str, engines: dict[str, bool]) -> bool:
    """Whether what is served has these weights, and was asked for the same forms. What they were found to be may depend
    on the processor, so that two machines would push in turn."""
    return champion.get("model_sha256") == digest and champion.get("engines", {}).keys() == engines.keys()
