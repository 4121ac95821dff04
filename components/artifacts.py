"""The names of the files within artifacts, for readers with TFX and without."""

from __future__ import annotations

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
