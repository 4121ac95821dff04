"""The version of the training code, with what a config chooses of it."""

from __future__ import annotations

import hashlib
from pathlib import Path

from components.code_version import code_version
from components.trainer.losses.registry import LOSSES
from components.trainer.models.registry import network_module
from components.trainer.optimizers.registry import OPTIMIZERS
from components.trainer.settings import TrainerSettings

RUN = "components.trainer.run"
FOLD = "components.trainer.fold"
"""Where `run_fn` is, of a training in this process and of a fold's."""


def trainer_version(settings: TrainerSettings, run: str = RUN) -> str:
    """As `code_version`, of the module of `run_fn` with architecture, encoder, loss and optimizer as chosen."""
    architecture, chosen = network_module(settings.model.architecture), settings.model.built.modules
    loss, optimizer = LOSSES[settings.training.loss], OPTIMIZERS[settings.training.optimizer]
    return code_version(run, architecture, *chosen, loss, optimizer)


def trainer_files(settings: TrainerSettings) -> dict[str, dict[str, str]]:
    """`{"files": {PATH: SHA-256}}` of the files that training reads beside records, and nothing where it reads none:
    another content trains anew. A file that is not here, where a pipeline is compiled for elsewhere, counts by its
    path alone."""
    paths = [path for path in settings.model.built.files if Path(path).is_file()]
    files = {path: hashlib.sha256(Path(path).read_bytes()).hexdigest() for path in paths}
    return {"files": files} if files else {}
