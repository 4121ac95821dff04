"""A process of its own for what nothing else interrupts: codecs in C. Its own timer ends it, wherever it is.

It is started when one is first needed, and serves until its parent ends.
"""

from __future__ import annotations

import atexit
import os
import pickle
import queue
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any, ParamSpec, TypeVar

from components.imaging.files.unreadable import UnreadableImage

Given = ParamSpec("Given")
Found = TypeVar("Found")


def run_apart(seconds: float, function: Callable[Given, Found], *arguments: Given.args, **named: Given.kwargs) -> Found:
    """What a function of a module returns; what goes there and comes back is pickled.

    Raises:
        UnreadableImage: it took more than `seconds` of the processor, or its process was killed otherwise.
        Exception: what the function raises.
    """
    try:
        child = _idle.get_nowait()
    except queue.Empty:
        child = _Child()
    found, error = child.ask(seconds, function, arguments, named)
    _idle.put(child)
    if error:
        raise error
    return found


class _Child:
    def __init__(self) -> None:
        # -P: the current folder may have `components` of its own.
        command = [sys.executable, "-P", "-m", __name__]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(self, seconds: float, *question: Any) -> tuple[Any, Exception | None]:
        assert self._process.stdin
        assert self._process.stdout
        answer = None
        with suppress(EOFError, BrokenPipeError, pickle.UnpicklingError):
            pickle.dump((seconds, question), self._process.stdin, protocol=5)
            self._process.stdin.flush()
            answer = pickle.load(self._process.stdout)
        if answer is not None:
            return answer
        self.end()
        ended = -self._process.returncode
        if ended == signal.SIGPROF:
            raise UnreadableImage(
                f"takes more than {seconds:g} seconds to decode: save it anew, or raise [data] max_seconds"
            )
        name = signal.Signals(ended).name if ended > 0 else f"code {-ended}"
        raise UnreadableImage(f"breaks its decoder, whose process ended with {name}: save it anew")

    def end(self) -> None:
        """Waits for its end, which comes with that of its input."""
        with suppress(BrokenPipeError):
            self._process.communicate()


_idle: queue.LifoQueue[_Child] = queue.LifoQueue()
# A child of a fork would talk to those of its parent.
os.register_at_fork(after_in_child=_idle.queue.clear)


@atexit.register
def _end() -> None:
    while not _idle.empty():
        _idle.get_nowait().end()


def _serve() -> None:
    # What libraries print is no answer.
    questions, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    # The parent is told to end, and decides when this process does.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while True:
        try:
            seconds, (function, arguments, named) = pickle.load(questions)
        except EOFError:
            return
        # The signal's default ends a process, also within a codec.
        signal.setitimer(signal.ITIMER_PROF, seconds)
        answer: tuple[Any, Exception | None]
        try:
            answer = function(*arguments, **named), None
        except Exception as error:
            answer = None, error
        signal.setitimer(signal.ITIMER_PROF, 0)
        pickle.dump(answer, answers, protocol=5)
        answers.flush()


if __name__ == "__main__":
    _serve()
