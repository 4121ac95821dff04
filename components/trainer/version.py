"""The version of the training code, with what a config chooses of it."""

from __future__ import annotations

from components.code_version import code_version
from components.trainer.models.registry import ARCHITECTURES

_RUN = "components.trainer.run"


def trainer_version(architecture: str) -> str:
    """As `code_version`, of `run_fn` with an architecture; without one where none has that name."""
    chosen = ARCHITECTURES.get(architecture)
    return code_version(_RUN, *([chosen.__module__] if chosen else []))
