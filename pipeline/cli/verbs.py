"""What every `maskline` verb shares: its options, its exit code, its errors."""

from __future__ import annotations

import errno
import functools
import json
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from components.brief import brief
from components.disk import DiskFull, full_disk_named
from components.errors import ExitCode, MasklineError, exit_code_of
from pipeline.terminal import Terminal, document

_LONGEST = 10_000
"""Characters of a message."""
Recipe = Annotated[str, typer.Argument(metavar="RECIPE_OR_TOML", help="A recipe's name or a TOML file.")]
Overrides = Annotated[
    list[str] | None, typer.Option("--set", metavar="SECTION.KEY=VALUE", help="Change one value; repeatable.")
]
Anonymous = Annotated[
    bool, typer.Option("--anonymous", help="Salted ids for names of images, patients, folders and machines.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]


def verb(function: Callable[..., int | None]) -> Callable[..., None]:
    """Turns the return value into the exit code, and errors into a message and theirs."""

    @functools.wraps(function)
    def wrapped(*args: Any, **options: Any) -> None:
        try:
            with full_disk_named(Path.cwd()):
                code = function(*args, **options) or ExitCode.DONE
        except (Exception, KeyboardInterrupt) as error:
            code = _report_error(error, options.get("json_output", False), options.get("debug", False))
        raise typer.Exit(code)

    return wrapped


def _report_error(error: BaseException, json_output: bool, debug: bool) -> int:
    terminal = Terminal(errors=True)
    if debug:
        terminal.say_lines("".join(traceback.format_exception(error)).rstrip())
    code = exit_code_of(error)
    if isinstance(error, KeyboardInterrupt):
        message = "interrupted"
    elif isinstance(error, MasklineError):
        message = str(error)
    elif isinstance(error, OSError) and error.errno == errno.ENAMETOOLONG:
        code, message = ExitCode.USAGE, f"{error.filename}: no path: longer than a file system takes. Give another."
    else:
        message = brief(f"{type(error).__name__}: {error}", _LONGEST)
        message += "" if debug else "\n--debug shows where; the log in the run's folder has the rest."
    if json_output:
        status = {"status": "disk full"} if isinstance(error, DiskFull) else {}
        print_json({"exit_code": code, **status, "error": message})
    else:
        terminal.complain(message)
    return code


def print_json(value: Any) -> None:
    """Prints a value for machines."""
    document(json.dumps(value, indent=2, default=str))
