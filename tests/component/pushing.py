"""The Pusher as a run calls it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from tfx.types import Artifact, standard_artifacts

from components.artifact_types import SplitReport
from components.pusher.executor import Executor as Pusher
from components.pusher.settings import Disclosure, PusherSettings, SignatureDetail
from components.seen.prints import SIGNATURES_FILE, prints_of, write_prints
from components.serving_dir import champion_version

COST = {"serve_tensor": {"requests": 50, "p50_ms": 2.5, "p95_ms": 4.0, "peak_mib": 512.0}}
SPLIT_REPORT = {"data_fingerprint": "f00", "sources": 0, "splits": {}, "notes": [], "drift": None, "records": []}


def push_model(
    run_executor: Callable,
    artifact: Callable[..., Artifact],
    serving: Path,
    folder: Path,
    model: Artifact,
    blessed: int = 1,
    infra_blessed: int = 1,
    compared_with: str | None = None,
    form: SignatureDetail = "coarse",
    engines: Artifact | None = None,
) -> Artifact:
    """What it leaves of a model that was compared with the champion, unless it is said with which."""
    compared = compared_with or champion_version(serving)
    made = artifact(standard_artifacts.PushedModel, folder / "pushed")
    evaluation = artifact(standard_artifacts.ModelEvaluation, folder / "evaluation")
    champion = {"version": compared} if compared else None
    metrics = {"dice": {"mean": 0.8}, "champion": champion, "reasons": []}
    (folder / "evaluation" / "metrics.json").write_text(json.dumps(metrics))
    model_blessing = artifact(standard_artifacts.ModelBlessing, folder / "blessing")
    model_blessing.set_int_custom_property("blessed", blessed)
    infra_blessing = artifact(standard_artifacts.InfraBlessing, folder / "infra")
    infra_blessing.set_int_custom_property("blessed", infra_blessed)
    (folder / "infra" / "checks.json").write_text(json.dumps({"checks": [], "cost": COST}))
    split_report = artifact(SplitReport, folder / "split_report")
    (folder / "split_report" / "split_report.json").write_text(json.dumps(SPLIT_REPORT))
    write_prints(folder / "split_report" / SIGNATURES_FILE, prints_of({"ab" * 32: bytes(4095) + b"1"}))
    inputs = {"model": model, "evaluation": evaluation, "split_report": split_report}
    inputs |= {"model_blessing": model_blessing, "infra_blessing": infra_blessing}
    inputs |= {"engines": engines} if engines else {}
    disclosure = Disclosure(signatures=form)
    settings = PusherSettings(recipe="tests", notice="phantoms", config={}, disclosure=disclosure)
    run_executor(Pusher, inputs, {"pushed_model": made}, serving_dir=str(serving), run="run-1", settings=settings)
    return made
