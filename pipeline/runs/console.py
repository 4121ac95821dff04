"""What a person sees of a run: a line per node, a bar while training, warnings."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO

from components.trainer.budget import duration
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
        self._progress = self._terminal.bar()
        self._task = self._progress.add_task("", total=None, told="")
        self._node = ""

    @contextmanager
    def live(self) -> Iterator[None]:
        """Shows the bar, and follows the training progress that the trainer logs."""
        with training_followed(self.training), self._progress:
            yield

    def started(self, node: str) -> None:
        self._node = node
        self._progress.reset(self._task, description=node, total=None, visible=True, told="")

    def finished(self, step: Step) -> None:
        self._progress.update(self._task, visible=False)
        said = f" {step.id:<20} {step.seconds:6.1f} s  {step.state:<6}  {step.reason}"
        self._terminal.say(_MARKS[step.state], said)

    def warn(self, text: str) -> None:
        self._terminal.warn(text)

    def say(self, text: str) -> None:
        self._terminal.say_lines(text)

    def training(self, progress: dict[str, Any]) -> None:
        """Moves the bar to a step of an epoch, or says what there is to say."""
        if notice := progress.get("notice"):
            self._terminal.say_lines(f"{self._node} {notice}")
        of = f"/{progress['epochs']}" if progress["epochs"] else ""
        dice = f", validation Dice {progress['val_dice']:.3f}" if "val_dice" in progress else ""
        speed, left = progress["images_per_second"], progress["seconds_left"]
        told = [f"{speed:.0f} images/s"] if speed else []
        told += [f"{duration(left)} left"] if left is not None else []
        self._progress.update(
            self._task,
            description=f"{self._node} epoch {progress['epoch']}{of}{dice}",
            total=1,
            completed=progress["progress"],
            told=", ".join(told),
        )
