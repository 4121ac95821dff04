"""The version of the evaluating code, with the loss that was trained."""

from __future__ import annotations

from components.code_version import code_version
from components.trainer.losses.registry import LOSSES


def evaluator_version(loss: str) -> str:
    """As `code_version`, of the executor, which knows every measure, with the module of a loss."""
    return code_version("components.evaluator.executor", LOSSES[loss])
