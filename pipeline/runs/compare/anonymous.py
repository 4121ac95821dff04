"""Compared runs without the names of patients, files and folders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from components.seen.hiding import Hiding
from pipeline.runs.anonymous import names_of_run
from pipeline.runs.compare.inputs import ComparedRun


def hiding_of(runs: Sequence[ComparedRun]) -> Hiding:
    """Of the names that all runs know, by the salt of the first.

    Raises:
        UsageError: as `names_of_run`.
    """
    evaluations = [each for run in runs for each in (run.test, run.out_of_fold) if each]
    cases = [case for each in evaluations for case in each.cases]
    return Hiding.of(
        names_of_run(runs[0].record),
        (text for case in cases for text in (case.id, case.group)),
        (case.source for case in cases),
    )


def named_by_recipe(run: ComparedRun) -> ComparedRun:
    """Not by its folder, which people often call by what is in it."""
    return replace(
        run, name=f"{run.record.recipe} {run.record.id}", record=run.record.model_copy(update={"folder": None})
    )
