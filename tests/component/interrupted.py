"""A training in processes of its own, of which each is killed at another moment. Run as a module, it is those processes.

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
from typing import Any

Moment = dict[str, int]
"""`epoch` and `step` of the progress that is the last; or `write`, the checkpoint that is half written, from 1."""


def killed(arguments: dict[str, Any], moments: Sequence[Moment]) -> None:
    """Trains so many times by `run_fn` with `arguments`; each training is killed at its moment by SIGKILL."""
    command = [sys.executable, "-m", "interrupted"]
    given = json.dumps({"arguments": arguments, "moments": moments})
    paths = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run(command, input=given, text=True, check=True, timeout=300, env=paths)


class _KillAt(logging.Handler):
    def __init__(self, epoch: int, step: int) -> None:
        super().__init__()
        self._moment = epoch, step

    def emit(self, record: logging.LogRecord) -> None:
        progress = record.__dict__["progress"]
        if (progress["epoch"], progress["step"]) == self._moment:
            os.kill(os.getpid(), signal.SIGKILL)


def _kill_at_write(number: int) -> Callable[[int], None]:
    left = iter(range(number - 1))

    def fsync(_: int) -> None:
        if next(left, None) is None:
            os.kill(os.getpid(), signal.SIGKILL)

    return fsync


def _main() -> None:
    import components.trainer.checkpoint as checkpoint
    from components.trainer.run import FnArgs, run_fn

    checkpoint._SHARE = float("inf")  # each epoch is kept, however short
    given = json.load(sys.stdin)
    for number, moment in enumerate(given["moments"]):
        process = os.fork()
        if not process:
            if "write" in moment:
                os.fsync = _kill_at_write(moment["write"])
            else:
                logging.getLogger("maskline.progress").addHandler(_KillAt(**moment))
                logging.getLogger("maskline.progress").setLevel(logging.DEBUG)
            run_fn(FnArgs(**given["arguments"] | {"model_run_dir": f"{given['arguments']['model_run_dir']}{number}"}))
            os._exit(1)
        _, status = os.waitpid(process, 0)
        assert os.WTERMSIG(status) == signal.SIGKILL, status


if __name__ == "__main__":
    _main()
