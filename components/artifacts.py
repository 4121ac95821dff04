"""The names of the files within artifacts, and what their readers need of them, with TFX and without."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NotRequired, TypeVar

from typing_extensions import TypedDict

from components.state import read_state

ACCOUNT_FILE = "account.json"
"""In Examples: what became of every source, and why some did not become records."""
HISTORY_FILE = "history.csv"
"""In ModelRun: one row per epoch that was validated."""
STRIPS = "strips"
"""In ModelRun: a folder of pictures, what the model predicted for some validation images over the epochs."""
CHECKPOINTS = "checkpoint-"
"""Begins the name of a folder beside those of the ModelRuns, where a training that was killed can be gone on with."""
TRAINING_FILE = "training.json"
"""In ModelRun: whose weights were kept, and their numbers."""
KERAS_FILE = "model.keras"
"""In a model's `assets.extra`, beside `training.json`: what can be trained further."""
METRICS_FILE = "metrics.json"
"""In ModelEvaluation: the summary by which the gate decides."""
CASES_FILE = "per_case.csv"
"""In ModelEvaluation: one row per test record."""
ASKED_FILE = "asked.json"
"""In InferenceResult of the served model: whether it could be asked, and how its answers become masks."""
CHECKS_FILE = "checks.json"
"""In InfraBlessing: what was tried on the exported model."""
OPERATING_POINT_FILE = "operating_point.json"
"""In a model's `assets.extra`: how its probabilities become masks, and what was tried on the way there."""
ENGINES_FILE = "engines.json"
"""In Engines, and in a model's `assets.extra`: which faster forms it offers, and which were refused."""
REPORT_FILE = "report.html"
SHEET_FILE = "report.json"
"""Beside the report: its reporting sheet and lineage, for machines."""
DOUBTFUL_FILE = "doubtful.csv"
"""Beside the report: the labels that a model has not learnt from, those first that it contradicts most."""
MADE_ANEW = "It is an artifact that was damaged: run once with --no-cache, which makes it anew."


class Reject(TypedDict):
    source: str
    reason: str
    kind: str


class Account(TypedDict):
    """`account.json`."""

    data_fingerprint: str
    sources: int
    records: dict[str, int]
    rejects: list[Reject]
    left_out: list[Reject]
    without_records: list[str]
    empty_tiles_dropped: int
    lossy_masks: dict[str, Any] | None
    stray_pixels: NotRequired[dict[str, Any] | None]
    lesions_lost: dict[str, int]
    cut_off: NotRequired[dict[str, int]]
    truth: dict[str, dict[str, Any]]
    turns: dict[str, dict[str, Any]]


class Training(TypedDict):
    """`training.json`; of an ensemble without `train`, `eval` and the epochs, which each of its folds has."""

    seconds: float
    parameters: int
    devices: list[str]
    warnings: list[str]
    weights: NotRequired[dict[str, Any]]
    train: NotRequired[dict[str, Any]]
    eval: NotRequired[dict[str, Any]]
    strips: NotRequired[list[dict[str, str]]]


class Trained(TypedDict):
    """`training.json` in a model's `assets.extra`: what it was trained by, and from."""

    config: dict[str, Any]
    start: NotRequired[str]
    warm_starts: NotRequired[int]
    weights: NotRequired[dict[str, Any]]
    """Where those that were not drawn came from."""
    members: NotRequired[int]


class Asked(TypedDict):
    """`asked.json`."""

    version: str | None
    """None: nothing is served."""
    obstacle: str | None
    """Why it cannot be asked about these records."""
    operating_point: dict[str, Any] | None


class Metrics(TypedDict):
    """`metrics.json`."""

    reasons: list[str]
    champion: dict[str, Any] | None
    collapsed: NotRequired[str | None]
    operating_point: NotRequired[dict[str, Any] | None]
    """By which masks were made that were judged."""


class FoldMetrics(Metrics):
    """Of the cases of all folds, with the table of the folds."""

    folds: list[dict[str, Any]]


class Change(TypedDict):
    """Of a measure, case by case."""

    mean: float | None
    ci95: list[float] | None
    no_ci95: NotRequired[str | None]
    n: int


class Trial(TypedDict):
    """Another value of a key of the operating point, on cases that are not test."""

    key: str
    value: Any
    measure: str
    candidates: int
    change: Change
    kept: bool
    reason: str


class Thresholds(TypedDict):
    """The mean Dice at each threshold."""

    threshold: list[float]
    dice: list[float | None]


class OperatingPoint(TypedDict):
    """`operating_point.json`."""

    operating_point: dict[str, Any]
    cases: int
    groups: int
    split: str
    """`eval`, or `out-of-fold`."""
    tried: list[Trial]
    thresholds: Thresholds | None


class Verdict(TypedDict):
    """Of a form of a model, such as `openvino-int8`."""

    engine: str
    precision: str
    offered: bool
    """Whether it agrees with what it was converted from. What does not is not kept."""
    reason: str
    processor_time: float
    """Of an answer, over that of TensorFlow where it was converted."""
    sha256: str
    """As `content_sha256` of its folder."""
    measured: dict[str, Any]
    """By what it was judged."""


class Engines(TypedDict):
    """`engines.json`."""

    engines: dict[str, Verdict]


def offered(found: Engines) -> dict[str, bool]:
    """Of each form that was asked for whether it is offered, as `MANIFEST.json` has it."""
    return {form: verdict["offered"] for form, verdict in found["engines"].items()}


class Check(TypedDict):
    name: str
    passed: bool
    detail: str


class Checks(TypedDict):
    """`checks.json`."""

    passed: NotRequired[bool]
    checks: list[Check]
    cost: NotRequired[dict[str, Any]]
    """Of each signature and engine."""


Shape = TypeVar("Shape")


def read_artifact(path: Path, shape: type[Shape]) -> Shape:
    """A file within an artifact, as `read_state`: this run has made it, or an earlier one whose result is reused.

    Raises:
        UsageError: it cannot be read, or has another shape.
    """
    return read_state(path, shape, MADE_ANEW)
