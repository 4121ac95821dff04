"""What a run came to: counts, metrics, verdict and versions, read from the artifacts of its nodes."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Any

from components.artifacts import (
    ACCOUNT_FILE,
    CHECKS_FILE,
    METRICS_FILE,
    REPORT_FILE,
    TRAINING_FILE,
)
from components.files import read_json
from pipeline.runs.dag import Outputs

_PACKAGES = ("tensorflow", "keras", "tfx", "apache-beam", "numpy", "opencv-python-headless")


def versions() -> dict[str, str]:
    """Versions of Maskline and of what it stands on."""
    return {name: version(name) for name in ("maskline", *_PACKAGES)}


def counts(outputs: dict[str, Outputs]) -> dict[str, Any] | None:
    """Sources, rejects and records per split, once ImageMaskExampleGen has run."""
    examples = _file(outputs, "ImageMaskExampleGen", "examples", ACCOUNT_FILE)
    if examples is None:
        return None
    return {
        "sources": examples["sources"],
        "rejects": len(examples["rejects"]),
        "records": examples["records"],
    }


def rejects(outputs: dict[str, Outputs]) -> list[dict[str, str]]:
    """The sources that did not become records, with reasons."""
    examples = _file(outputs, "ImageMaskExampleGen", "examples", ACCOUNT_FILE)
    return examples["rejects"] if examples else []


def training_warnings(outputs: dict[str, Outputs]) -> list[str]:
    """What people must be told of the training, once it has ended."""
    training = _file(outputs, "Trainer", "model_run", TRAINING_FILE)
    return training["warnings"] if training else []


def metrics(outputs: dict[str, Outputs]) -> dict[str, Any]:
    """Loss and Dice of the train, eval and test splits, as far as the run came."""
    training = _file(outputs, "Trainer", "model_run", TRAINING_FILE)
    test = _file(outputs, "Evaluator", "evaluation", METRICS_FILE)
    found = {"train": training["train"], "eval": training["eval"]} if training else {}
    return {**found, "test": test} if test else found


def devices(outputs: dict[str, Outputs]) -> list[str] | None:
    """What the model was trained on, such as `GPU:0`, once it was."""
    training = _file(outputs, "Trainer", "model_run", TRAINING_FILE)
    return training["devices"] if training else None


def verdict(outputs: dict[str, Outputs]) -> tuple[bool | None, list[str]]:
    """Whether the candidate may be served, and why not; None before it was evaluated."""
    test = _file(outputs, "Evaluator", "evaluation", METRICS_FILE)
    checks = _file(outputs, "ServingCheck", "blessing", CHECKS_FILE)
    if test is None or checks is None:
        return None, []
    failed = [check for check in checks["checks"] if not check["passed"]]
    reasons = [*test["reasons"], *(f"serving check {check['name']}: {check['detail']}" for check in failed)]
    return not reasons, reasons


def pushed(outputs: dict[str, Outputs]) -> tuple[dict[str, str] | None, str | None]:
    """Version and path of the model that this run pushed, or None and why nothing was pushed."""
    artifact = outputs.get("Pusher", {}).get("pushed_model")
    if artifact is None:
        return None, None
    if artifact.get_int_custom_property("pushed"):
        version_name = artifact.get_string_custom_property("pushed_version")
        path = artifact.get_string_custom_property("pushed_destination")
        return {"version": version_name, "path": path}, None
    return None, artifact.get_string_custom_property("reason")


def refused_at_the_push(outputs: dict[str, Outputs]) -> str | None:
    """Why a blessed candidate was refused when it was its turn: the champion had changed by then."""
    artifact = outputs.get("Pusher", {}).get("pushed_model")
    if artifact is None or not artifact.get_int_custom_property("refused"):
        return None
    return artifact.get_string_custom_property("reason")


def report(outputs: dict[str, Outputs]) -> Path | None:
    """The HTML report within the artifacts."""
    artifact = outputs.get("RunReport", {}).get("report")
    return Path(artifact.uri) / REPORT_FILE if artifact else None


def _file(outputs: dict[str, Outputs], node: str, key: str, name: str) -> Any:
    artifact = outputs.get(node, {}).get(key)
    return read_json(Path(artifact.uri) / name) if artifact else None
