"""Two or more runs compared: read, paired, and written as a page for people and a file for machines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from components.errors import UsageError
from components.files import write_json, write_text
from components.measures.measure import Measure
from components.seen.hiding import Hiding
from pipeline.runs.compare.anonymous import hiding_of, named_by_recipe
from pipeline.runs.compare.core import (
    Shared,
    compared,
    differences,
    known_differences,
    refuse_other_rules,
    shared_cases,
)
from pipeline.runs.compare.inputs import ComparedRun, Evaluation, read_runs
from pipeline.runs.compare.page import render
from pipeline.runs.examined import Watch
from pipeline.runs.folders import DEFAULT_OUT
from pipeline.runs.new_folder import new_folder, refuse_existing

JSON_FILE = "comparison.json"
PAGE_FILE = "comparison.html"
_TRAINING = ("start", "precision", "seconds", "parameters", "epochs_run", "kept")


@dataclass(frozen=True)
class _Part:
    """A comparison by the cases that runs share in a split, or out of fold."""

    shared: Shared
    measures: dict[str, Measure]
    told: dict[str, Any]


def compare(names: Sequence[str], out: Path | None, watch: Watch, anonymous: bool = False) -> dict[str, Any]:
    """What `comparison.json` says, and `page`, where the page is.

    Args:
        names: of runs, as `find_run` takes them; differences are to the first.
        out: a new folder for both files; None: one below the default output folder, named by the time.
        watch: sees the cases pass.
        anonymous: with ids in place of names, by the salt of the first run.

    Raises:
        UsageError: the runs cannot be compared, or `out` is there already or cannot be written.
    """
    time = datetime.now(UTC)
    out = out or DEFAULT_OUT / "comparisons" / f"{time:%Y%m%d-%H%M%S}"
    refuse_existing(out)
    runs = read_runs(names)
    refuse_other_rules([run.letter for run in runs], [run.test.metrics for run in runs])
    # Not before all that can be found without it: it imports TensorFlow.
    from pipeline.runs.compare.records import illustrations

    test = _part(runs, [run.test for run in runs], watch)
    folds, obstacle = _folds(runs, watch)
    shown = illustrations(runs, test.shared.cases, next(iter(test.measures.values())))
    configs = [run.record.config for run in runs]
    if anonymous:
        hiding = hiding_of(runs)
        runs = [named_by_recipe(run) for run in runs]
        test, folds = _hidden(test, hiding), folds and _hidden(folds, hiding)
        shown = [replace(each, cases=[replace(case, **hiding.identity(case)) for case in each.cases]) for each in shown]
        configs = [*map(hiding.config, configs)]
    told = {
        "runs": [_row(run, left) for run, left in zip(runs, test.shared.left_out, strict=True)],
        "test": test.told,
        "out_of_fold": folds.told if folds else None,
        "no_out_of_fold": obstacle,
        "notes": list(_notes(runs, test)),
        "config": differences(configs),
        "recorded": known_differences([_recorded(run) for run in runs]),
    }
    with new_folder(out) as folder:
        write_json(folder / JSON_FILE, told)
        write_text(folder / PAGE_FILE, render(runs, told, shown, f"{time:%Y-%m-%d %H:%M} UTC"))
    return {**told, "page": str(out / PAGE_FILE)}


def _part(runs: Sequence[ComparedRun], evaluations: Sequence[Evaluation], watch: Watch) -> _Part:
    from pipeline.runs.compare.records import sights_of

    letters, cases = [run.letter for run in runs], [each.cases for each in evaluations]
    shared = shared_cases(cases, sights_of(runs, evaluations, watch))
    every = [each.measures for each in evaluations]
    measures = {name: found for name, found in every[0].items() if all(name in each for each in every)}
    told = {
        "cases": len(shared.cases[0]),
        "groups": len({case.group for case in shared.cases[0]}),
        "left_out": dict(zip(letters, shared.left_out, strict=True)),
        "other_pixels": shared.other_pixels,
        "not_measured_in_all": sorted({name for each in every for name in each} - measures.keys()),
        **compared(shared.cases, letters, measures, evaluations[0].task.classes),
    }
    return _Part(shared, measures, told)


def _hidden(part: _Part, hiding: Hiding) -> _Part:
    """Of the shared cases no more is told later than which have other pixels."""
    other = [*map(hiding.names, part.shared.other_pixels)]
    told = {**part.told, "other_pixels": other}
    return replace(part, shared=replace(part.shared, other_pixels=other), told=told)


def _folds(runs: Sequence[ComparedRun], watch: Watch) -> tuple[_Part | None, str | None]:
    """The same by the cases of the folds, or why there is no such comparison; neither where no run has folds."""
    evaluations = [run.out_of_fold for run in runs if run.out_of_fold]
    if not evaluations:
        return None, None
    if without := [run.letter for run in runs if not run.out_of_fold]:
        return None, f"without folds: {', '.join(without)}"
    try:
        return _part(runs, evaluations, watch), None
    except UsageError as error:
        return None, str(error)


def _row(run: ComparedRun, left_out: int) -> dict[str, Any]:
    record = run.record
    return {
        "run": run.letter,
        "name": run.name,
        "id": record.id,
        "folder": record.folder,
        "recipe": record.recipe,
        "status": record.status,
        "pushed": record.pushed.version if record.pushed else None,
        "cases": len(run.test.cases),
        "not_shared": left_out,
        "decisions": run.test.metrics.get("decisions"),
    }


def _notes(runs: Sequence[ComparedRun], test: _Part) -> Iterator[str]:
    """What numbers do not say of themselves."""
    counted = ", ".join(f"{run.letter} {_times(run.test.metrics.get('decisions'))}" for run in runs)
    yield (
        "The cases are those of the test split. How often they had decided on a candidate when each run was evaluated: "
        f"{counted}. Whoever chooses a run by this comparison lets them decide once more, which nothing counts: "
        "confirm the choice on images that no run has seen (maskline evaluate)"
    )
    if len(runs) > 2:
        yield "Each interval is of one difference alone: of many, some lie beside 0 by chance"
    if test.shared.other_pixels:
        yield (
            f"{len(test.shared.other_pixels)} cases have the same id in all runs, but not the same pixels, and are not "
            f"compared: {', '.join(test.shared.other_pixels[:5])}"
        )
    if missing := test.told["not_measured_in_all"]:
        yield f"Not measured in all runs, and so not compared: {', '.join(missing)}"


def _times(decisions: int | None) -> str:
    return "not counted" if decisions is None else "once" if decisions == 1 else f"{decisions} times"


def _recorded(run: ComparedRun) -> dict[str, Any]:
    """What a run was made of and by, beside its config."""
    training = {key: run.training[key] for key in _TRAINING if key in run.training}
    return {
        "data_fingerprint": run.data_fingerprint,
        "code_version": run.code_version,
        "devices": run.training["devices"],
        "versions": run.record.versions,
        "training": training,
    }
