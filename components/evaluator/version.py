"""The version of the evaluating code, with the measures and the loss that was trained."""

from __future__ import annotations

from components.code_version import code_version
from components.measures.registry import MEASURES
from components.trainer.losses.registry import LOSSES

_EXECUTOR = "components.evaluator.executor"


def evaluator_version(loss: str) -> str:
    """As `code_version`, of the executor with the modules of every measure and of a loss."""
    measures = sorted({measure.of.__module__ for measure in MEASURES.values()})
    return code_version(_EXECUTOR, *measures, LOSSES[loss])
