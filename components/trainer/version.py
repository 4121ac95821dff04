"""The version of the training code, with what a config chooses of it."""

from __future__ import annotations

from components.code_version import code_version
from components.trainer.losses.registry import LOSSES
from components.trainer.models.registry import network_module
from components.trainer.optimizers.registry import OPTIMIZERS
from components.trainer.settings import TrainerSettings

_RUN = "components.trainer.run"


def trainer_version(settings: TrainerSettings) -> str:
    """As `code_version`, of `run_fn` with the architecture, loss and optimizer that are chosen."""
    architecture = network_module(settings.model.architecture)
    return code_version(_RUN, architecture, LOSSES[settings.training.loss], OPTIMIZERS[settings.training.optimizer])
