"""A process of its own for what nothing else interrupts: codecs in C. Its own timer ends it, wherever it is.

It is started when one is first needed, and serves until its parent ends.
"""

from __future__ import annotations

import atexit
import fcntl
import os
import pickle
import queue
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any, ParamSpec, TypeVar

from components.errors import MasklineError
from components.imaging.files.unreadable import UnreadableImage

Given = ParamSpec("Given")
Found = TypeVar("Found")

_MOST_IDLE = 4
_PIPE_BYTES = 2**20
"""Of images the usual 64 KiB are many turns between two processes."""
_NOT_ITS_FAULT = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_UNUSABLE = "no process for decoding can be started"


class _Gone(Exception):
    """The child has ended; the argument is the number of the signal, or 0."""


def run_apart(seconds: float, function: Callable[Given, Found], *arguments: Given.args, **named: Given.kwargs) -> Found:
    """What a function of a module returns; what goes there and comes back is pickled.

    Raises:
        UnreadableImage: it took more than `seconds` of the processor, or its process broke, twice where somebody else
            may have ended it.
        MasklineError: there can be no such process.
        Exception: what the function raises.
    """
    question = (seconds, function, arguments, named)
    try:
        found, error = _asked(question)
    except _Gone as gone:
        if gone.args[0] not in _NOT_ITS_FAULT:
            raise _refusal(seconds, gone.args[0]) from None
        try:
            found, error = _asked(question)
        except _Gone as again:
            raise _refusal(seconds, again.args[0]) from None
    if error:
        raise error
    return found


def _asked(question: Any) -> tuple[Any, Exception | None]:
    child = _taken()
    try:
        answer = child.ask(question)
    except BaseException:
        child.kill()
        raise
    if _idle.qsize() < _MOST_IDLE:
        _idle.put(child)
    else:
        child.end()
    return answer


def _refusal(seconds: float, ended: int) -> UnreadableImage:
    if ended == signal.SIGPROF:
        return UnreadableImage(
            f"takes more than {seconds:g} seconds to decode: save it anew, or raise [data] max_seconds"
        )
    name = signal.Signals(ended).name if ended else "no answer"
    return UnreadableImage(f"breaks its decoder, whose process ended with {name}: save it anew")


class _Child:
    def __init__(self) -> None:
        # -P: the current folder may have `components` of its own.
        command = [sys.executable, "-P", "-m", __name__]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        try:
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, start_new_session=True
            )
        except (OSError, TypeError) as error:
            raise MasklineError(f"{_UNUSABLE}: {error}") from error
        for pipe in filter(None, (self._process.stdin, self._process.stdout)):
            with suppress(OSError):
                fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
        if self._answer() is not True:
            raise MasklineError(f"{_UNUSABLE}: {sys.executable} ended with code {self._process.wait()}")

    def ask(self, question: Any) -> tuple[Any, Exception | None]:
        """Raises _Gone: it has not come to an answer."""
        assert self._process.stdin
        with suppress(BrokenPipeError):
            pickle.dump(question, self._process.stdin, protocol=5)
            self._process.stdin.flush()
        if (answer := self._answer()) is None:
            self.end()
            raise _Gone(max(0, -self._process.returncode))
        return answer

    def _answer(self) -> Any:
        assert self._process.stdout
        with suppress(EOFError, pickle.UnpicklingError):
            return pickle.load(self._process.stdout)

    @property
    def is_there(self) -> bool:
        return self._process.poll() is None

    def kill(self) -> None:
        self._process.kill()
        self.end()

    def end(self) -> None:
        """Waits for its end, which comes with that of its input."""
        with suppress(BrokenPipeError):
            self._process.communicate()


_idle: queue.SimpleQueue[_Child] = queue.SimpleQueue()


def _taken() -> _Child:
    """One that waits, or a new one."""
    while True:
        try:
            child = _idle.get_nowait()
        except queue.Empty:
            return _Child()
        if child.is_there:
            return child


def _forget() -> None:
    """A child of a fork would talk to those of its parent."""
    global _idle
    _idle = queue.SimpleQueue()


os.register_at_fork(after_in_child=_forget)


@atexit.register
def _end() -> None:
    while not _idle.empty():
        _idle.get_nowait().end()


def _serve() -> None:
    # What libraries print is no answer.
    questions, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    # Ends a process, also within a codec, unless a parent has left it otherwise.
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGPROF})
    _tell(answers, True)
    while True:
        try:
            seconds, function, arguments, named = pickle.load(questions)
        except EOFError:
            return
        _tell(answers, _answered(seconds, function, arguments, named))
        # Neither file nor image is kept for whoever comes next.
        del function, arguments, named


def _answered(seconds: float, function: Callable[..., Any], arguments: Any, named: Any) -> tuple[Any, Exception | None]:
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        return function(*arguments, **named), None
    except Exception as error:
        return None, error
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def _tell(answers: Any, answer: Any) -> None:
    with suppress(BrokenPipeError):
        pickle.dump(answer, answers, protocol=5)
        answers.flush()


if __name__ == "__main__":
    _serve()
