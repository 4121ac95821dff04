"""Topics of the reporting sheet: what was measured."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from components.artifacts import CASES_FILE, CHECKS_FILE, METRICS_FILE, TRAINING_FILE
from components.run_report.lineage import NotRecorded, Paper
from components.run_report.sheet.rows import BOTH, CLAIM, TRIPOD, Topic
from components.run_report.wording import count, listed


def _first(metrics: Paper) -> tuple[str, dict[str, Any]]:
    """The title of the first measure, and what it came to."""
    name, described = next(iter(metrics.at("measures").items()))
    return described["title"], metrics.at(name)


def _measures(metrics: Paper) -> str:
    told = [each["title"] for each in metrics.at("measures").values() if each["family"] != "background"]
    return ", ".join(told)


def _performance(metrics: Paper) -> str:
    title, found = _first(metrics)
    if found["mean"] is None:
        raise NotRecorded(title)
    return f"Mean {title} {found['mean']:.3f}, median {found['median']:.3f}, of {count(found['n'], 'case')}"


def _uncertainty(metrics: Paper) -> str:
    title, found = _first(metrics)
    if not found["ci95"]:
        raise NotRecorded(title)
    low, high = found["ci95"]
    return f"95 % interval of the mean {title} over groups: {low:.3f} to {high:.3f}"


def _development(training: Paper) -> str:
    """Of an ensemble those of each fold."""
    told = [_trained(fold, f"fold {fold['fold']} ") for fold in training.content.get("folds", ())]
    return "; ".join(told or [_trained(training.content, "")])


def _trained(training: Any, whose: str) -> str:
    return f"{whose}training: {_rounded(training['train'])}; {whose}validation: {_rounded(training['eval'])}"


def _rounded(found: dict[str, float]) -> str:
    return listed({name: f"{value:.3f}" for name, value in found.items()})


def _subgroups(metrics: Paper) -> str:
    if told := [*_of_classes(metrics), *_of_slices(metrics)]:
        return "; ".join(told)
    raise NotRecorded("slices")


def _of_classes(metrics: Paper) -> Iterator[str]:
    first, classes = next(iter(metrics.at("measures"))), metrics.at("classes")
    for name, found in classes.items() if len(classes) > 1 else ():
        if found[first]["mean"] is not None:
            yield f"{name} {found[first]['mean']:.3f} of {count(found[first]['n'], 'case')}"


def _of_slices(metrics: Paper) -> Iterator[str]:
    first = next(iter(metrics.at("measures")))
    for name, found in metrics.content.get("slices", {}).items():
        if found[first]["mean"] is not None:
            yield f"{name} {found[first]['mean']:.3f} of {count(found[first]['n'], 'case')}"
    yield from (f"{limit['slice']}: {limit['sentence']}" for limit in metrics.at("limits") if limit["slice"])


def _calibration(metrics: Paper) -> str:
    return f"Calibration error near the foreground {metrics.at('calibration_error', 'mean'):.3f}, and the diagram above"


def _robustness(metrics: Paper) -> str:
    first, found = next(iter(metrics.at("measures"))), metrics.at("robustness")
    if not found:
        raise NotRecorded("robustness")
    title, _ = _first(metrics)
    told = [
        f"{name} {each['value']}: {each['change'][first]['mean']:+.3f}"
        for name, each in found.items()
        if each["change"][first]["mean"] is not None
    ]
    return f"Change of the mean {title} under " + "; ".join(told)


def _failures(cases: Paper) -> str:
    found = [f"{each['what']}: {count(len(each['cases']), 'case')}" for each in cases.at("failures")]
    return "; ".join(found) or "No case in which a region was missed or invented"


def _compared(metrics: Paper) -> str:
    champion = metrics.stated("champion")
    if other := metrics.content.get("not_compared"):
        return f"Version {other['version']} cannot be compared: {other['why']}"
    return f"With version {champion['version']}, on the same cases" if champion else "None: no model was served before"


def _checks(checks: Paper) -> str:
    found = checks.at("checks")
    return f"{sum(check['passed'] for check in found)} of {count(len(found), 'check')} of the served model passed"


RESULTS = (
    Topic("Measures of performance", BOTH, METRICS_FILE, _measures),
    Topic("Performance on the test data", BOTH, METRICS_FILE, _performance),
    Topic("Uncertainty", BOTH, METRICS_FILE, _uncertainty),
    Topic("Performance on the other partitions", (CLAIM,), TRAINING_FILE, _development),
    Topic("Performance by class and subgroup", BOTH, METRICS_FILE, _subgroups),
    Topic("Calibration", (TRIPOD,), METRICS_FILE, _calibration),
    Topic("Robustness and sensitivity", (CLAIM,), METRICS_FILE, _robustness),
    Topic("Failure analysis", (CLAIM,), CASES_FILE, _failures),
    Topic("Comparison with the model in use", (TRIPOD,), METRICS_FILE, _compared),
    Topic("The served model does what was measured", (TRIPOD,), CHECKS_FILE, _checks),
)
