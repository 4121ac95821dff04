"""Artifact types that TFX does not have, and the names of the files within artifacts."""

from __future__ import annotations

from tfx.types.artifact import Artifact

ACCOUNT_FILE = "account.json"
"""In Examples: what became of every source, and why some did not become records."""
HISTORY_FILE = "history.csv"
"""In ModelRun: one row per epoch."""
TRAINING_FILE = "training.json"
"""In ModelRun: the best epoch and its numbers."""
KERAS_FILE = "model.keras"
"""In a model's `assets.extra`, beside `training.json`: what can be trained further."""
METRICS_FILE = "metrics.json"
"""In ModelEvaluation: the summary by which the gate decides."""
CASES_FILE = "per_case.csv"
"""In ModelEvaluation: one row per test record."""
CHECKS_FILE = "checks.json"
"""In InfraBlessing: what was tried on the exported model."""
REPORT_FILE = "report.html"


class SplitReport(Artifact):
    """`split_report.json`: which source, group and hash is in which split."""

    TYPE_NAME = "maskline.SplitReport"


class RunReport(Artifact):
    """`report.html`: the run for people, one file without outside references."""

    TYPE_NAME = "maskline.RunReport"
