"""Where text meets a terminal, and the one place where it does: names of files, ids and messages are shown, not obeyed.

Whatever prints does so by `Terminal`, which knows no markup, or by `document`, whose text machines read.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TextIO

from rich import box
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, Task, TextColumn, TimeElapsedColumn
from rich.table import Column as TableColumn
from rich.table import Table
from rich.text import Text

from components.visible import shortened, visible, visible_lines

_MOST_LETTERS = 1000
"""Of a word, in a line that is there to be copied, such as a path."""


@dataclass(frozen=True)
class Styled:
    """Text in a style of Rich, such as `bold red`."""

    text: str
    style: str


Part = str | Styled
Line = Part | tuple[Part, ...]
Cell = Line | list[Line]
"""A line, or one below the other."""

FINDINGS: dict[str, Any] = {"box": box.SIMPLE_HEAD, "pad_edge": False, "title_style": "bold"}
"""The look of tables below one another."""


@dataclass(frozen=True)
class Column:
    """A column of a table."""

    title: str
    right: bool = False
    most: int | None = None
    """Greatest width."""
    whole: bool = False
    """Never broken into lines."""


class _ToldColumn(TimeElapsedColumn):
    """Of a bar: what is `told` of a task, or how long it takes by now."""

    def render(self, task: Task) -> Text:
        told = task.fields["told"]
        return Text(told, style="progress.remaining", no_wrap=True) if told else super().render(task)


class Terminal:
    """Prints lines and tables."""

    def __init__(
        self, stream: TextIO | None = None, *, errors: bool = False, silent: bool = False, wraps: bool = False
    ) -> None:
        """`wraps`: lines are broken at the width of the terminal, not left to it as paths must be."""
        self.console = Console(
            file=stream, stderr=errors, quiet=silent, soft_wrap=not wraps, markup=False, emoji=False, highlight=False
        )

    def say(self, *parts: Part) -> None:
        """Prints a line."""
        self.console.print(self._text(parts, _MOST_LETTERS))

    def say_lines(self, text: str, *before: Part) -> None:
        """Prints a text of several lines; all but the first are indented, so that none passes for another's."""
        first, *others = text.split("\n")
        self.say(*before, first)
        for line in others:
            self.say("  ", line)

    def warn(self, text: str) -> None:
        """Prints a line that stands out."""
        self.say(Styled("!", "yellow"), " ", shortened(text))

    def complain(self, message: str) -> None:
        """Prints an error, as `say_lines`."""
        self.say_lines(message, Styled("error: ", "red"))

    def show(self, columns: Sequence[Column], rows: Iterable[Sequence[Cell]], title: str = "", **look: Any) -> None:
        """Prints a table; `look` is Rich's. An empty row is a blank line, and endless words are cut."""
        table = Table(title=self._cell(title) if title else None, title_justify="left", **look)
        for column in columns:
            table.add_column(
                self._cell(column.title),
                justify="right" if column.right else "left",
                max_width=column.most,
                no_wrap=column.whole,
                overflow="fold",
            )
        for row in rows:
            table.add_row(*map(self._cell, row))
        self.console.print(table)

    def bar(self) -> Progress:
        """A bar that goes when it ends; its tasks have `told`, which stands beside it in place of their time."""
        return Progress(
            SpinnerColumn("line" if self.console.options.ascii_only else "dots"),
            TextColumn("{task.description}", markup=False, table_column=TableColumn(no_wrap=True)),
            # What others leave of the line.
            BarColumn(bar_width=None, table_column=TableColumn(ratio=1)),
            _ToldColumn(table_column=TableColumn(no_wrap=True)),
            console=self.console,
            expand=True,
            transient=True,
            disable=not self.console.is_terminal,
            # Both go to the log already; Rich would bring them back to the terminal.
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def _cell(self, cell: Cell) -> Text:
        lines = cell if isinstance(cell, list) else [cell]
        return Text("\n").join(self._text(line if isinstance(line, tuple) else (line,)) for line in lines)

    def _text(self, parts: Sequence[Part], *letters: int) -> Text:
        encoding = self.console.encoding
        styled = (part if isinstance(part, Styled) else Styled(part, "") for part in parts)
        return Text.assemble(*((visible(shortened(part.text, *letters), encoding), part.style) for part in styled))


def say(*parts: Part) -> None:
    """Prints a line to standard output."""
    Terminal().say(*parts)


def document(text: str) -> None:
    """Prints what machines read, such as JSON or TOML, which have the escapes of `visible` within their strings."""
    shown = visible_lines(text, sys.stdout.encoding)
    sys.stdout.write(shown if shown.endswith("\n") else f"{shown}\n")
    sys.stdout.flush()


def escape_unencodable() -> None:
    """Lets what others print to the streams of this process, too, fail for no letter."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
