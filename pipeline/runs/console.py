"""What a person sees of a run: a line per node, a bar while training, warnings."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO

from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from pipeline.runs.listener import training_followed
from pipeline.runs.record import State, Step
from pipeline.terminal import Styled, Terminal

_MARKS: dict[State, Styled] = {
    "ran": Styled("✓", "green"),
    "cached": Styled("=", "cyan"),
    "failed": Styled("✗", "red"),
    "skipped": Styled("-", "dim"),
}


class RunConsole:
    """Prints to a terminal or, without colours and bars, to a file."""

    def __init__(self, stream: TextIO, silent: bool = False) -> None:
        self._terminal = Terminal(stream, silent=silent)
        console = self._terminal.console
        self._progress = Progress(
            SpinnerColumn("line" if console.options.ascii_only else "dots"),
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=30),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
            # Both go to the log already; Rich would bring them back to the terminal.
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._task = self._progress.add_task("", total=None)
        self._node = ""

    @contextmanager
    def live(self) -> Iterator[None]:
        """Shows the bar, and follows the training progress that the trainer logs."""
        with training_followed(self.training), self._progress:
            yield

    def started(self, node: str) -> None:
        self._node = node
        self._progress.reset(self._task, description=node, total=None, visible=True)

    def finished(self, step: Step) -> None:
        self._progress.update(self._task, visible=False)
        said = f" {step.id:<20} {step.seconds:6.1f} s  {step.state:<6}  {step.reason}"
        self._terminal.say(_MARKS[step.state], said)

    def warn(self, text: str) -> None:
        self._terminal.warn(text)

    def say(self, text: str) -> None:
        self._terminal.say_lines(text)

    def training(self, progress: dict[str, Any]) -> None:
        """Moves the bar to a step of an epoch, and says what there is to say."""
        if notice := progress.get("notice"):
            self._terminal.say_lines(f"{self._node} {notice}")
        done = (progress["epoch"] - 1) * progress["steps"] + progress["step"]
        dice = f", validation Dice {progress['val_dice']:.3f}" if "val_dice" in progress else ""
        self._progress.update(
            self._task,
            description=f"{self._node} epoch {progress['epoch']}/{progress['epochs']}{dice}",
            total=progress["epochs"] * progress["steps"],
            completed=done,
        )
