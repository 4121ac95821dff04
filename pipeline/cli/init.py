"""The verb `maskline init`."""

from __future__ import annotations

import re
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from components.errors import ExitCode
from pipeline.cli.verbs import AsJson, Debug, Overrides, print_json, verb
from pipeline.terminal import FINDINGS, Cell, Column, Line, Terminal, say

if TYPE_CHECKING:
    from pipeline.runs.init.core import Written
    from pipeline.runs.init.questions import Question

_LISTED = 10


@verb
def init_command(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder with the images, as it was found.")],
    out: Annotated[
        Path | None, typer.Option(metavar="NAME.toml", help="The recipe; without it the folder's name, here.")
    ] = None,
    yes: Annotated[
        bool, typer.Option("--yes", help="Ask nothing: what could turn masks upside down stays open in the recipe.")
    ] = False,
    overrides: Overrides = None,
    json_output: AsJson = False,
    debug: Debug = False,
) -> int:
    """Look at a folder, and write the recipe by which `maskline run` reads it, with a picture of what was understood.

    Exit codes: 0 written; 2 usage, or nothing tells which is whose mask. A question that stays open ends `run` with 4.
    """
    from pipeline.runs.init.core import refuse_existing, understood, write
    from pipeline.runs.init.questions import nobody
    from pipeline.runs.reading import reading_bar

    name = re.sub(r"[^A-Za-z0-9._-]+", "-", folder.resolve().name).strip("-.")
    recipe = out or Path(f"{name or 'recipe'}.toml")
    ask = nobody if yes or json_output or not sys.stdin.isatty() else _ask
    refuse_existing(recipe)
    with reading_bar():
        found = understood(folder, overrides or [])
    found.ask(ask)
    with reading_bar() as watch:
        written = write(found, recipe, overrides or [], watch)
    if json_output:
        print_json(_as_json(written))
    else:
        _print(written)
    return ExitCode.DONE


def _ask(question: Question) -> str | None:
    """On the terminal; Enter is who does not know."""
    choices = "/".join(question.answers)
    while True:
        say(question.text)
        try:
            answer = input(f"{choices}, or Enter for {question.default or 'do not know'}: ").strip().lower()
        except EOFError:
            return None
        if not answer or answer in question.answers:
            return answer or None


def _as_json(written: Written) -> dict[str, object]:
    found = written.found
    return {
        "recipe": str(written.recipe),
        "picture": str(written.picture),
        "folder": str(found.root),
        "data": found.data,
        "rows": [asdict(row) for row in found.rows],
        "unsure": found.unsure,
        "questions": found.open,
        "rejects": [{"source": outcome.source, "reason": outcome.reason} for outcome in written.rejects],
    }


def _print(written: Written) -> None:
    terminal, found = Terminal(wraps=True), written.found
    columns = [Column("", whole=True), Column("found"), Column("why")]
    rows: list[list[Cell]] = [[row.topic, list[Line](row.found.split("\n")), row.why] for row in found.rows]
    terminal.show(columns, rows, **FINDINGS)
    for reject in written.rejects[:_LISTED]:
        terminal.warn(f"cannot be used: {reject.source}: {reject.reason}")
    for guess in found.unsure:
        terminal.say(f"Taken for granted: {guess}")
    for question in found.open:
        terminal.warn(f"Open: {question}")
    terminal.say(f"{written.picture}: look whether the outlines are right")
    if found.open:
        terminal.say(
            f"Answer first, in {written.recipe}: maskline run {written.recipe} refuses while a question is open"
        )
    else:
        terminal.say(f"Then: maskline run {written.recipe}")
