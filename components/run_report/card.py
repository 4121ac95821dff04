"""The model card: what was recorded, in plain words, and what was not."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from components.run_report.cases import worst_first
from components.run_report.core import Run
from components.run_report.failures import Failure
from components.run_report.wording import count

_SPLITS = {"train": "for training", "eval": "for validation", "test": "for the test"}


@dataclass(frozen=True)
class Part:
    """A heading, and what stands below it."""

    title: str
    sentences: list[str]


def card(run: Run, failed: list[Failure]) -> list[Part]:
    """The parts of the card; `failed` are the failures of the run's test cases."""
    parts = {
        "What it does": _purpose(run),
        "The data": _data(run),
        "How it was trained": _training(run),
        "How good it is": _quality(run),
        "Where it fails": _failing(run, failed),
        "What is not known": _limits(run),
    }
    return [Part(title, list(sentences)) for title, sentences in parts.items()]


def _purpose(run: Run) -> Iterator[str]:
    yield (
        f"It marks {_and(run.task.classes)} in images: it gives each pixel a probability of "
        f"{'each class' if run.task.several else 'belonging to it'}, and a mask made of these."
    )
    yield (
        "It is research software, not a medical device: not for diagnosis or treatment. Whom it shall serve, and "
        "where, no run can record: that is for a person to write."
    )


def _data(run: Run) -> Iterator[str]:
    report = run.split_report
    for split, found in report["splits"].items():
        use = _SPLITS.get(split, f"in {split}")
        yield (
            f"{count(found['records'], 'image')}{_labels(found.get('labels', {}))} of "
            f"{count(found['groups'], 'group')} {use}, {found['with_foreground']} with something to mark."
        )
    yield (
        f"A group is what must not be torn apart: a patient, a pair or a slide. {count(report['sources'], 'file')} "
        f"{'was' if report['sources'] == 1 else 'were'} found; {len(report['rejects'])} could not be used."
    )
    sites = sorted({case.site for case in run.cases if case.site})
    yield f"Sites of the test images: {_and(sites)}." if sites else "At which site an image was made is not recorded."


def _labels(labels: Mapping[str, int]) -> str:
    named = [f"{number} {name}" for name, number in labels.items() if name]
    return f" ({', '.join(named)})" if named else ""


def _training(run: Run) -> Iterator[str]:
    training = run.training
    made = f"{training['members']} networks of the kind" if run.folds else "A network of the kind"
    named = run.config.get("model", {}).get("architecture", "not recorded")
    yield (
        f"{made} {named}, with {training['parameters']:,} numbers that were learnt, in "
        f"{training['seconds'] / 60:.1f} minutes on {_and(training['devices'])}."
    )
    if not run.folds:
        kept = training.get("kept", f"epoch {training['best_epoch']}")
        yield f"The weights are those of {kept}, of {count(training['epochs_run'], 'epoch')}."
    yield f"Start: {training['start']}."


def _quality(run: Run) -> Iterator[str]:
    metrics, first = run.metrics, run.measures[0]
    found = metrics[first.name]
    if found["mean"] is None:
        yield f"No test image has a {first.title}: nobody knows."
        return
    yield f"On {count(found['n'], 'test image')} its mean {first.title} is {found['mean']:.3f}{_interval(found)}."
    if run.task.several:
        each = {name: classes[first.name]["mean"] for name, classes in metrics["classes"].items()}
        yield f"By class: {', '.join(f'{name} {_number(mean)}' for name, mean in each.items())}."
    if metrics["empty_cases"]:
        yield (
            f"In {metrics['empty_cases_with_prediction']} of {count(metrics['empty_cases'], 'test image')} with "
            "nothing to mark it marked something."
        )
    if metrics["champion"]:
        version, served = metrics["champion"]["version"], metrics["champion"][first.name]["mean"]
        yield f"The model that was served before, version {version}, has {_number(served)} on the same images."


def _failing(run: Run, failed: list[Failure]) -> Iterator[str]:
    first = run.measures[0]
    for failure in failed:
        whose = f"{failure.of}: " if run.task.several and failure.of else ""
        yield f"{_upper(whose + failure.what)}, in {count(len(failure.cases), 'test image')}."
    if not failed:
        yield "In no test image was a region missed or invented."
    worst = next((case for case in worst_first(run.cases, first) if not math.isnan(case.value(first.name))), None)
    if worst:
        yield f"Its worst {first.title} is {worst.value(first.name):.3f}, of case {worst.id}."


def _limits(run: Run) -> Iterator[str]:
    metrics, first = run.metrics, run.measures[0]
    found = metrics[first.name]
    if not found["ci95"]:
        yield f"How far chance has made the number: {found.get('no_ci95') or 'there is no interval'}."
    if not run.config.get("data", {}).get("splits", {}).get("test_site"):
        yield "How it does on images of another site or device: none was kept for the test."
    if (decisions := metrics.get("decisions") or 0) > 1:
        yield f"These test images have decided {decisions} times: each makes it likelier that chance has helped."
    yield from (f"{_upper(warning)}." for warning in run.warnings)
    yield "How it does on images that were changed (noise, blur, compression) was not tried."


def _interval(found: Mapping[str, Any]) -> str:
    if not found["ci95"]:
        return ""
    low, high = found["ci95"]
    return f"; other patients of the same kind could make it {low:.3f} to {high:.3f} (95 % interval)"


def _number(value: float | None) -> str:
    return "not defined" if value is None else f"{value:.3f}"


def _and(names: list[str]) -> str:
    *others, last = names or ["nothing that is recorded"]
    return f"{', '.join(others)} and {last}" if others else last


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]
