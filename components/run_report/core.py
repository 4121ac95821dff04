"""What the report is made of: what the nodes of a run have left behind, and the verdict."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from components.artifacts import ENGINES_FILE, OPERATING_POINT_FILE
from components.evaluator.per_case import Case
from components.measures.measure import Family, Measure
from components.run_report.doubtful import Doubtful
from components.run_report.lineage import Paper
from components.task import Task


@dataclass(frozen=True)
class Push:
    """What became of the model: where it is served, or why it is not."""

    pushed: bool
    version: str = ""
    destination: str = ""
    reason: str = ""


@dataclass(frozen=True)
class Verdict:
    """The headline of the report."""

    outcome: str
    """`pushed`, `refused` (a gate said no) or `held` (all gates said yes, yet nothing was pushed)."""
    headline: str
    reasons: list[str]


@dataclass(frozen=True)
class Folds:
    """What was found of the folds, and how each of them was trained."""

    metrics: Mapping[str, Any]
    """Of all cases, each by the model that has not learnt from it; `folds` is the table."""
    histories: dict[int, dict[str, list[float]]]
    """By number of the fold, as `Run.history`."""


@dataclass(frozen=True)
class Run:
    """What the nodes of a run have left behind."""

    recipe: str
    notice: str
    config: dict[str, Any]
    task: Task
    verdict: Verdict
    metrics: Mapping[str, Any]
    cases: list[Case]
    training: Mapping[str, Any]
    history: dict[str, list[float]]
    """By column of the training log, one value per epoch that was validated; empty of an ensemble."""
    split_report: Mapping[str, Any]
    checks: Sequence[Mapping[str, Any]]
    strips: Sequence[tuple[str, bytes]] = ()
    """What they show, and PNG files: predictions for some validation images over the epochs."""
    folds: Folds | None = None
    """Those that the model is the ensemble of."""
    doubtful: Sequence[Doubtful] = ()
    """Labels that the model has not learnt from, the most doubtful first."""
    not_compared: int = 0
    """Labels that are not among these, as the answers to their images are no finite numbers."""
    papers: Mapping[str, Paper] = field(default_factory=dict)
    """By name, what all this was read from."""

    @property
    def operating_point(self) -> Mapping[str, Any] | None:
        """As `OperatingPoint`; None of a model that does not tell."""
        paper = self.papers.get(OPERATING_POINT_FILE)
        return paper.content if paper else None

    @property
    def engines(self) -> Mapping[str, Mapping[str, Any]]:
        """As `Engines`, by form; of a run that asks for none there are none."""
        paper = self.papers.get(ENGINES_FILE)
        return paper.content["engines"] if paper else {}

    @property
    def warnings(self) -> list[str]:
        """Of the training, and that the model tells nothing apart."""
        collapsed = self.metrics.get("collapsed")
        return [*self.training["warnings"], *([f"the model collapsed: {collapsed}"] if collapsed else [])]

    @property
    def measures(self) -> list[Measure]:
        """What the evaluation has measured; by the first, cases are ordered."""
        return [Measure(name=name, **described) for name, described in self.metrics["measures"].items()]

    @property
    def told(self) -> list[Measure]:
        """The measures that are shown of each class, case and fold: the first, those of overlap, and the loss."""
        first, *others = self.measures
        return [first, *(each for each in others if each.family in ("overlap", "training"))]

    @property
    def families(self) -> dict[Family, list[Measure]]:
        """The measures by what they judge by, in their order."""
        families: dict[Family, list[Measure]] = {}
        for each in self.measures:
            families.setdefault(each.family, []).append(each)
        return families


def parse_history(rows: Iterable[Mapping[str, str]]) -> dict[str, list[float]]:
    """The rows of the training log as columns."""
    columns: dict[str, list[float]] = defaultdict(list)
    for row in rows:
        for name, value in row.items():
            columns[name].append(float(value))
    return dict(columns)


def judge(
    blessed: bool,
    reasons: Sequence[str],
    infra_blessed: bool,
    checks: Sequence[Mapping[str, Any]],
    push: Push,
) -> Verdict:
    """The verdict: `reasons` are the evaluation's, `checks` those of the served model."""
    if push.pushed:
        return Verdict("pushed", f"Pushed as version {push.version}", [f"Served from {push.destination}"])
    if blessed and infra_blessed:
        return Verdict("held", "Not pushed", [push.reason])
    failed = [f"Serving check {check['name']}: {check['detail']}" for check in checks if not check["passed"]]
    return Verdict("refused", "Refused, not pushed", [*([] if blessed else reasons), *failed])


def shared_across_splits(records: Iterable[Mapping[str, Any]], key: str) -> int:
    """How many values of `key` (`group`, `sha256`) occur in more than one split of the split report."""
    splits = defaultdict(set)
    for record in records:
        splits[record[key]].add(record["split"])
    return sum(len(where) > 1 for where in splits.values())


def groups_by_split(records: Iterable[Mapping[str, Any]]) -> dict[str, list[str]]:
    """The sorted groups of each split of the split report."""
    groups = defaultdict(set)
    for record in records:
        groups[record["split"]].add(record["group"])
    return {split: sorted(members) for split, members in groups.items()}
