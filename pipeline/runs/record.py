"""`run.json`: what a run was asked for, did and came to; one type, one reader, one writer."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, field_validator

from components.files import write_json
from components.state import broken_named, read_state

RUN_FILE = "run.json"
_REMEDY = "Put it back, or delete the folder of the run; what it has pushed stays."

State = Literal["ran", "cached", "failed", "skipped"]
Status = Literal[
    "running",
    "done",
    "refused by the evaluation",
    "refused by the data gate",
    "interrupted",
    "failed",
    "disk full",
    "timed out",
    "killed",
    "damaged",
    "skipped",
    "missed",
]
"""A run itself never says that it was killed or timed out, nor that its record is damaged: whoever looks at it does.
The last two are those of a slot without a run."""


class Json(BaseModel):
    """Its JSON has the keys that were set, and those that a later version knows, so that scripts find what they did."""

    model_config = ConfigDict(extra="allow")

    def as_json(self) -> dict[str, Any]:
        """The keys that were set, with their values, in the order of the fields."""
        return self.model_dump(exclude_unset=True)


class Step(Json):
    """What happened to a node."""

    id: str
    state: State
    seconds: float
    cached: bool = False
    reason: str
    log: str | None = None
    """Path of what it printed, where it has a log of its own."""
    outputs: dict[str, Any] = {}
    """Of a simulation: address, path and metadata of each artifact."""


class Counts(Json):
    """What became of the sources."""

    sources: int
    rejects: int
    records: dict[str, int]
    """By split."""


class Pushed(Json):
    """The model that a run has pushed."""

    version: str
    path: str


class Distribution(BaseModel):
    """A measure over the cases in which it is defined."""

    mean: float | None
    ci95: tuple[float, float] | None = None
    no_ci95: str | None = None
    """Why there is no interval."""
    n: int = 0


class Described(BaseModel):
    """How a measure is read."""

    title: str


class Absent(BaseModel):
    """Cases whose truth has nothing of a class, and in how many of these it was predicted."""

    cases: int
    with_prediction: int


class Scores(BaseModel):
    """What was measured on the test split, or on all folds."""

    measures: Annotated[dict[str, Described], Field(min_length=1)] = {"dice": Described(title="Dice")}
    """By name; the first is what people are told first. Versions that did not say had Dice before others."""
    means: dict[str, Distribution] = {}
    """Of each measure; where there are several classes, over these."""
    classes: dict[str, dict[str, Distribution]] = {}
    absent: dict[str, Absent] = {}
    """By class."""
    notes: list[str] = []
    collapsed: str | None = None
    """What the model predicts everywhere, where it tells nothing apart."""
    empty_cases: int = 0
    empty_cases_with_prediction: int = 0

    @property
    def title(self) -> str:
        """Of the first measure."""
        return self.measures[self._first].title

    @property
    def mean(self) -> Distribution:
        """Of the first measure."""
        return self.means[self._first]

    @property
    def of_classes(self) -> dict[str, Distribution]:
        """The first measure of each class; nothing where there is one."""
        several = self.classes if len(self.classes) > 1 else {}
        return {name: found[self._first] for name, found in several.items()}

    @property
    def _first(self) -> str:
        return next(iter(self.measures))


_DISTRIBUTIONS = TypeAdapter(dict[str, Distribution])


class RunRecord(Json):
    """A run, or a slot of `maskline schedule` that had none."""

    id: str
    recipe: str
    folder: str | None = None
    """Where it was found; `run.json` itself does not say."""
    status: Status
    slot: str | None = None
    """Of a slot without a run: when it was, ISO 8601."""
    exit_code: int | None = None
    """An `ExitCode`, or that of the step that ended a simulation; None: it has not ended."""
    pid: Annotated[int, Field(ge=1, lt=2**31)] | None = None
    steps: list[Step] = []
    """As far as the run has come."""
    seed: int | None = None
    versions: dict[str, str] = {}
    config: dict[str, Any] = {}
    plan: list[dict[str, Any]] = []
    """Of `architecture = "auto"` each `key` that was chosen, its `value` and `why`; `config` has it as well."""
    blessed: bool | None = None
    """None: not evaluated."""
    reasons: list[str] = []
    """Why it was refused, interrupted, or has failed."""
    report: str | None = None
    """Path of the HTML report."""
    counts: Counts | None = None
    metrics: dict[str, Any] = {}
    """`train`, `eval` and `test`, as Trainer and Evaluator have written them; of an ensemble `test` alone."""
    folds: dict[str, Any] | None = None
    """What Ensemble has written of folds: their `table`, and `pooled` what was measured on all of them."""
    warnings: list[str] = []
    """Of the training, and that the model collapsed."""
    devices: list[str] | None = None
    """What the model was trained on, such as `GPU:0`."""
    pushed: Pushed | None = None
    not_pushed: str | None = None
    """Why nothing was pushed."""
    engines: dict[str, Any] = {}
    """The verdicts on faster forms of the model, as EngineExporter has written them."""
    artifacts: dict[str, str] = {}
    """Folders of what the run is judged by, such as `evaluation`, `examples` and `training`, as far as it came."""

    @classmethod
    def begun(cls, run_dir: Path, recipe: str) -> RunRecord:
        """The record of a run of this process that has just begun."""
        return cls(
            id=run_dir.name,
            recipe=recipe,
            status="running",
            exit_code=None,
            pid=os.getpid(),
            steps=[],
            blessed=None,
            reasons=[],
            report=None,
        )

    @field_validator("metrics")
    @classmethod
    def _hold_scores(cls, metrics: dict[str, Any]) -> dict[str, Any]:
        _scores(metrics.get("test"))
        return metrics

    @field_validator("folds")
    @classmethod
    def _hold_pooled_scores(cls, folds: dict[str, Any] | None) -> dict[str, Any] | None:
        _scores((folds or {}).get("pooled"))
        return folds

    @property
    def scores(self) -> Scores | None:
        """Of the test split; None before it was evaluated."""
        return _scores(self.metrics.get("test"))

    @property
    def out_of_fold(self) -> Scores | None:
        """Of all cases that are not test, each by the model that has not learnt from it; None without folds."""
        return _scores((self.folds or {}).get("pooled"))

    def end(self, status: Status, exit_code: int, reasons: list[str]) -> None:
        """Notes how the run has ended."""
        self.status, self.exit_code, self.reasons = status, exit_code, reasons


def _scores(measured: dict[str, Any] | None) -> Scores | None:
    if not measured:
        return None
    scores = Scores.model_validate(measured)
    means = _DISTRIBUTIONS.validate_python({name: measured.get(name) for name in scores.measures})
    return scores.model_copy(update={"means": means})


def write_run(run_dir: Path, record: RunRecord) -> None:
    """Replaces the `run.json` of a run in one step."""
    write_json(run_dir / RUN_FILE, record.as_json())


def read_run(run_dir: Path) -> RunRecord:
    """What `run.json` says, and the folder; keys that earlier versions did not write are left unset.

    Raises:
        BrokenState: it cannot be read, or is no record.
    """
    path = run_dir / RUN_FILE
    content = read_state(path, dict[str, Any], _REMEDY)
    known = {"id": run_dir.absolute().name, "recipe": run_dir.absolute().parent.parent.name}
    with broken_named(path, _REMEDY):
        return RunRecord.model_validate({**known, **content, "folder": str(run_dir)})
