"""`[serving] engines`, and what the exporter reads of a config."""

from __future__ import annotations

from typing import Annotated

from components.inference.engines.registry import FORMS
from components.measures.measure import EmptyMasks
from components.records.settings import Derivation
from components.records.splits import VALIDATION, fold_split
from components.settings import OneOf, Section
from components.task import Task

Form = Annotated[str, OneOf(FORMS)]


class Faster(Section):
    """What a version offers beside its SavedModel."""

    engines: list[Form] = []
    """Faster forms of a model, made before it is pushed. Each is offered where its masks are as good on validation."""


class ExporterSettings(Faster):
    """Everything that the forms of a model and the verdicts on them depend on."""

    task: Task
    derivation: Derivation
    empty_masks: EmptyMasks
    """As of `[evaluation]`."""
    learnt: list[str]
    """Splits of whose records a form is made."""
    judged: list[str]
    """Splits on which it is judged."""


def splits_of_forms(folds: int | None) -> tuple[list[str], list[str]]:
    """What a form is made by, and what it is judged by.

    From each fold all members of an ensemble but one have learnt: its cases judge nothing but the change between forms.
    """
    if folds is None:
        return ["train"], [VALIDATION]
    first, *others = map(fold_split, range(1, folds + 1))
    return [first], others
