"""`run_fn` of a fold: the training as a process of its own. Run as a module, it is that process.

A budget of `[training]` is that of each fold.
Of one fold nothing is left for the next: neither the state of random generators, nor memory, nor what a crash breaks.
The arguments go to the child's standard input, which stays open: with its end, however the parent ends, ends the child.
What it logs, its progress among that, and why it failed come back on its standard output.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import threading
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, TextIO

from tfx.components.trainer.fn_args_utils import FnArgs

from components.errors import ExitCode, MasklineError, exit_code_of

_READ = ("train_files", "eval_files", "serving_model_dir", "model_run_dir", "base_model", "custom_config")
"""What `components.trainer.run` reads of its arguments."""
_PATIENCE = 10
"""Seconds that a child has for its end."""
_PROGRESS = "maskline.progress"


class FoldFailed(MasklineError):
    """The training of a fold has failed; its exit code is that of its own process."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


def run_fn(fn_args: FnArgs) -> None:
    """As that of `components.trainer.run`, in a process of its own; `custom_config` names the fold, too.

    Raises:
        FoldFailed: with the name of the fold.
    """
    name = fn_args.custom_config["fold"]
    failure: dict[str, Any] = {}
    with _child({key: getattr(fn_args, key) for key in _READ}) as child:
        for line in child.stdout or ():
            told = json.loads(line)
            failure = told.get("failure", failure)
            if "log" in told:
                _log(**told["log"])
    if failure:
        raise FoldFailed(f"{name}: {failure['message']}", failure["exit_code"])
    if child.returncode:
        raise FoldFailed(f"{name}: its process ended with code {child.returncode}", ExitCode.FAILED)


@contextmanager
def _child(arguments: Mapping[str, Any]) -> Iterator[subprocess.Popen[str]]:
    # -P: the current folder may have `components` of its own.
    command = [sys.executable, "-P", "-m", __name__]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdin
        try:
            with suppress(BrokenPipeError):
                print(json.dumps(arguments), file=child.stdin, flush=True)
            yield child
        finally:
            with suppress(BrokenPipeError):
                child.stdin.close()
            try:
                child.wait(_PATIENCE)
            except subprocess.TimeoutExpired:
                child.kill()


def _log(name: str, level: int, message: str, progress: dict[str, Any] | None) -> None:
    logging.getLogger(name).log(level, "%s", message, extra={"progress": progress} if progress else None)


class _Channel(logging.Handler):
    """To the parent: a line of JSON for each record of the log, and for a failure."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self._stream = stream

    def emit(self, record: logging.LogRecord) -> None:
        message, progress = record.getMessage(), getattr(record, "progress", None)
        log = {"name": record.name, "level": record.levelno, "message": message, "progress": progress}
        self._tell({"log": log})

    def fail(self, error: Exception) -> None:
        own = isinstance(error, MasklineError)
        message = str(error) if own else f"{type(error).__name__}: {error}"
        self._tell({"failure": {"message": message, "exit_code": exit_code_of(error)}})

    def _tell(self, what: Mapping[str, Any]) -> None:
        print(json.dumps(what), file=self._stream, flush=True)


def _main(channel: _Channel) -> int:
    # The parent is told to end, and decides when this process does.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    arguments = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with_the_parent, daemon=True).start()
    try:
        from components.trainer.run import run_fn as train

        # Not before the imports, some of which bring handlers of their own.
        logging.basicConfig(handlers=[channel], level=logging.INFO, force=True)
        logging.getLogger(_PROGRESS).setLevel(logging.DEBUG)
        train(FnArgs(**arguments))
    except Exception as error:
        traceback.print_exc()
        channel.fail(error)
        return exit_code_of(error)
    return ExitCode.DONE


def _end_with_the_parent() -> None:
    # Not through `sys.stdin`, whose lock the interpreter wants at its end.
    os.read(0, 1)
    os._exit(ExitCode.INTERRUPTED)


if __name__ == "__main__":
    told = _Channel(os.fdopen(os.dup(1), "w", encoding="utf-8"))
    # What libraries print is no message to the parent.
    os.dup2(2, 1)
    # At once, and with the channel still open: at its end the parent closes the input, which would be this one's end.
    os._exit(_main(told))
