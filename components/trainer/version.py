"""The version of the training code, with what a config chooses of it."""

from __future__ import annotations

from components.code_version import code_version
from components.trainer.losses.registry import LOSSES
from components.trainer.models.registry import network_module
from components.trainer.optimizers.registry import OPTIMIZERS
from components.trainer.settings import TrainerSettings

RUN = "components.trainer.run"
FOLD = "components.trainer.fold"
"""Where `run_fn` is, of a training in this process and of a fold's."""


def trainer_version(settings: TrainerSettings, run: str = RUN) -> str:
    """As `code_version`, of the module of `run_fn` with the architecture, loss and optimizer that are chosen."""
    architecture = network_module(settings.model.architecture)
    return code_version(run, architecture, LOSSES[settings.training.loss], OPTIMIZERS[settings.training.optimizer])
