"""What a person sees of a run: a line per node, a bar while training, warnings."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO

from rich.progress import BarColumn, Progress, SpinnerColumn, Task, TextColumn, TimeElapsedColumn

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


class _Bar(BarColumn):
    """Takes what others leave of the line."""

    def get_table_column(self) -> Any:
        column = super().get_table_column()
        column.ratio = 1
        return column


class _TimeColumn(TextColumn):
    """How long a node takes by now; of a training, how fast it is and what is left of it."""

    def __init__(self) -> None:
        super().__init__("{task.fields[told]}", style="progress.remaining", markup=False)
        self._elapsed = TimeElapsedColumn()

    def render(self, task: Task) -> Any:
        return super().render(task) if task.fields["told"] else self._elapsed.render(task)


class RunConsole:
    """Prints to a terminal or, without colours and bars, to a file."""

    def __init__(self, stream: TextIO, silent: bool = False) -> None:
        self._terminal = Terminal(stream, silent=silent)
        console = self._terminal.console
        self._progress = Progress(
            SpinnerColumn("line" if console.options.ascii_only else "dots"),
            TextColumn("{task.description}", markup=False),
            _Bar(bar_width=None),
            _TimeColumn(),
            console=console,
            expand=True,
            transient=True,
            disable=not console.is_terminal,
            # Both go to the log already; Rich would bring them back to the terminal.
            redirect_stdout=False,
            redirect_stderr=False,
        )
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
        """Moves the bar to a step of an epoch."""
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
