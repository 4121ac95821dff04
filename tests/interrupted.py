"""A training that can be killed. Run as a module, it is trained in a process for each moment at which one is killed.

TensorFlow is imported once: each process is a fork of one that has not yet computed anything.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

Moment = dict[str, int]
"""`epoch` and `step` of the progress that is the last; or `write`, the checkpoint that is half written, from 1."""


def killed(target: str, arguments: dict[str, Any], moments: Sequence[Moment]) -> None:
    """Calls `target`, `MODULE:FUNCTION`, so many times with `arguments` and `run`, counted from 0; each call is killed
    at its moment, by SIGKILL."""
    given = json.dumps({"target": target, "arguments": arguments, "moments": moments})
    paths = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-m", "interrupted"], input=given, text=True, check=True, timeout=300, env=paths)


def keep_every_epoch(checkpoint: Any) -> None:
    """However short it is."""
    checkpoint._SHARE = float("inf")


def trained(files: list[str], folder: str, run: int, **training: Any) -> Any:
    """Model and what came of a small training, with augmentation, dropout and batch norm."""
    import keras
    from epochs import HEIGHT, WIDTH, data, settings, trainer_settings

    from components.task import Task
    from components.trainer.batches import evaluation_batches
    from components.trainer.choices import compile_model
    from components.trainer.collapse import Collapse
    from components.trainer.determinism import deterministic_operations
    from components.trainer.fit import Beside, fit
    from components.trainer.metrics import Judge
    from components.trainer.segmenter import build_segmenter
    from components.trainer.settings import Model
    from components.trainer.strip_samples import chosen_samples
    from components.trainer.strips import Strips

    task, place = Task(), Path(folder) / "model_run" / str(run)
    place.mkdir(parents=True)
    chosen = trainer_settings(**{"learning_rate": 0.05, **training})
    with deterministic_operations(True):
        keras.utils.set_random_seed(1)
        model = build_segmenter(
            1, Model(parameters={"levels": 2, "base_filters": 2, "dropout": 0.3, "normalisation": "none"}), task
        )
        compile_model(model, chosen)
        validate = partial(Judge(model, task), evaluation_batches(files, (HEIGHT, WIDTH, 1), 3))
        strips = Strips(chosen_samples(files), task, place / "strips", place / "tensorboard")
        kept = Path(folder) / "checkpoint-0" / "1.npz"
        beside = Beside(Collapse(task, 10, ends=False), strips, Path(folder), kept, 0)
        changed = data(files, settings("rotation", "gamma", "horizontal_flip"))
        return model, fit(model, changed, validate, chosen.training, place, beside)


class _KillAt(logging.Handler):
    def __init__(self, epoch: int, step: int) -> None:
        super().__init__()
        self._moment = epoch, step

    def emit(self, record: logging.LogRecord) -> None:
        progress = record.__dict__["progress"]
        if (progress["epoch"], progress["step"]) == self._moment and "notice" not in progress:
            os.kill(os.getpid(), signal.SIGKILL)


def _kill_at_write(number: int) -> Callable[[int], None]:
    left = iter(range(number - 1))

    def fsync(_: int) -> None:
        if next(left, None) is None:
            os.kill(os.getpid(), signal.SIGKILL)

    return fsync


def _main() -> None:
    from importlib import import_module

    from components.trainer import checkpoint

    keep_every_epoch(checkpoint)
    given = json.load(sys.stdin)
    module, _, function = given["target"].partition(":")
    target = getattr(import_module(module), function)
    for run, moment in enumerate(given["moments"]):
        process = os.fork()
        if not process:
            if "write" in moment:
                os.fsync = _kill_at_write(moment["write"])
            else:
                logging.getLogger("maskline.progress").addHandler(_KillAt(**moment))
                logging.getLogger("maskline.progress").setLevel(logging.DEBUG)
            target(**given["arguments"], run=run)
            os._exit(0)
        _, status = os.waitpid(process, 0)
        assert os.WIFSIGNALED(status), f"{moment} did not come"
        assert os.WTERMSIG(status) == signal.SIGKILL, status


if __name__ == "__main__":
    _main()
