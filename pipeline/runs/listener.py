"""Who follows a run while it is on: a console, or a function of whoever started it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from pipeline.runs.record import State, Step


class Listener(Protocol):
    """Is told what happens, in the thread of the run."""

    def live(self) -> AbstractContextManager[None]:
        """Entered while nodes run."""

    def started(self, node: str) -> None: ...

    def finished(self, step: Step) -> None: ...

    def warn(self, text: str) -> None: ...


@dataclass(frozen=True)
class Progress:
    """A moment of a run."""

    node: str
    state: Literal["running"] | State
    text: str = ""
    """Why a node ran or failed; or what must be told, such as a file that was rejected."""
    training: dict[str, Any] | None = None
    """While the Trainer runs: `epoch`; `epochs`, None where as many are trained as time allows; `step`, `steps`;
    `progress` 0..1; `images_per_second` and `seconds_left`, None at first; `val_loss` and `val_dice`, of the last
    validation."""


class Teller:
    """Tells a function."""

    def __init__(self, tell: Callable[[Progress], None]) -> None:
        self._tell = tell
        self._node = ""

    def live(self) -> AbstractContextManager[None]:
        return training_followed(self._training)

    def started(self, node: str) -> None:
        self._node = node
        self._tell(Progress(node, "running"))

    def finished(self, step: Step) -> None:
        self._tell(Progress(step.id, step.state, step.reason))

    def warn(self, text: str) -> None:
        self._tell(Progress(self._node, "running", text))

    def _training(self, progress: dict[str, Any]) -> None:
        self._tell(Progress(self._node, "running", progress.get("notice", ""), progress))


class _Handler(logging.Handler):
    def __init__(self, tell: Callable[[dict[str, Any]], None]) -> None:
        super().__init__()
        self._tell = tell

    def emit(self, record: logging.LogRecord) -> None:
        self._tell(record.__dict__["progress"])


@contextmanager
def training_followed(tell: Callable[[dict[str, Any]], None]) -> Iterator[None]:
    """Follows the progress that the trainer logs."""
    logger = logging.getLogger("maskline.progress")
    handler, level = _Handler(tell), logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
