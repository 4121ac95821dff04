"""The verb `maskline schedule`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from components.errors import ExitCode, UsageError
from pipeline.cli.verbs import AsJson, Debug, Overrides, Recipe, print_json, verb
from pipeline.terminal import document

Starter = Literal["systemd", "crontab"]


@verb
def schedule_command(
    recipe: Recipe,
    cron: Annotated[
        str | None,
        typer.Option(metavar="EXPRESSION", help='Five fields, as "0 2 * * *"; without it that of the recipe.'),
    ] = None,
    data: Annotated[Path | None, typer.Option(help="Folder with the images.")] = None,
    overrides: Overrides = None,
    out: Annotated[Path | None, typer.Option(help="Output folder; without it maskline-out/RECIPE.")] = None,
    once: Annotated[bool, typer.Option("--once", help="Decide and run now, once.")] = False,
    show: Annotated[
        Starter | None, typer.Option("--print", help="Print the units, or the line, that start it.")
    ] = None,
    install: Annotated[Starter | None, typer.Option(help="Install them for this user.")] = None,
    json_output: AsJson = False,
    debug: Debug = False,
) -> int:
    """Train anew at the times of a cron expression, where there is something to learn.

    SIGTERM ends it after the current node of a run. Exit codes: 0 stopped by SIGTERM, 130 interrupted, 2 usage or
    config; with --once that of the run, 0 where there was nothing to learn.
    """
    from pipeline.config.loader import load_config
    from pipeline.schedule.setup import Job, hand_over, work

    overrides = [*(overrides or []), *([f"schedule.cron={cron}"] if cron else [])]
    job = Job(recipe, load_config(recipe, overrides), data, out, tuple(overrides))
    if sum(map(bool, (once, show, install))) > 1:
        raise UsageError("--once, --print and --install exclude each other: give one of them")
    if not once and not job.config.schedule.cron:
        raise UsageError('no time to run at: give --cron "0 2 * * *", or set [schedule] cron; --once runs now')
    if target := show or install:
        lines = hand_over(job, target, install=bool(install))
        print_json(lines) if json_output else document("\n".join(lines))
        return ExitCode.DONE
    return work(job, once, json_output)
