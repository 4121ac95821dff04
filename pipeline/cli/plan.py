"""The verb `maskline plan`."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from textwrap import wrap
from typing import TYPE_CHECKING, Annotated, Any

import typer

from components.errors import ExitCode, UsageError
from pipeline.cli.verbs import AsJson, Debug, Overrides, Recipe, print_json, verb
from pipeline.terminal import Styled, Terminal

if TYPE_CHECKING:
    from pipeline.config.root import Config
    from pipeline.runs.plan.choices import Choice
    from pipeline.runs.plan.core import Plan

_INDENT = "    "


@verb
def plan_command(
    recipe: Recipe,
    data: Annotated[Path | None, typer.Option(help="Folder with the images.")] = None,
    write: Annotated[bool, typer.Option("--write", help="Write the plan into the recipe, with its reasons.")] = False,
    compare: Annotated[
        bool,
        typer.Option("--compare", help="Train candidates on folds, and choose by them."),
    ] = False,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where --compare trains; without it maskline-out/RECIPE-plan.")
    ] = None,
    overrides: Overrides = None,
    json_output: AsJson = False,
    debug: Debug = False,
) -> int:
    """Choose sizes, network, batches, augmentation and folds from the data and this machine, each with its reason.

    A recipe with `[model] architecture = "auto"` is planned by `maskline run` as well. Exit code 2: usage or config.
    """
    from pipeline.config.loader import load_config, recipe_names
    from pipeline.runs.launch import source_folder
    from pipeline.runs.plan.core import plan
    from pipeline.runs.plan.doubts import doubts
    from pipeline.runs.plan.write import write_plan
    from pipeline.runs.quiet import quiet
    from pipeline.runs.reading import reading_bar

    if write and recipe in recipe_names():
        raise UsageError(f"{recipe}: comes with Maskline. Make it yours: maskline config show {recipe} > my.toml")
    config = load_config(recipe, overrides or [])
    config.data.refuse_questions()
    with TemporaryDirectory() as phantoms:
        root, _ = source_folder(config.data, data, Path(phantoms) / "data")
        with reading_bar() as watch:
            made = plan(config, root, watch)
        with quiet(Path(os.devnull)):
            doubtful = list(doubts(config, made.seen))
    if write:
        write_plan(Path(recipe), made.choices)
    if json_output:
        print_json(_as_json(made, doubtful))
    else:
        _print(recipe, config, made, doubtful, written=write)
    return ExitCode.DONE


def _as_json(made: Plan, doubtful: list[str]) -> dict[str, Any]:
    return {
        "fingerprint": asdict(made.seen),
        "plan": [asdict(choice) for choice in made.choices],
        "doubts": doubtful,
    }


def _print(recipe: str, config: Config, made: Plan, doubtful: list[str], written: bool) -> None:
    terminal = Terminal(wraps=True)
    for choice in made.choices:
        stated = _stated(config, choice)
        terminal.say(Styled(choice.told, "bold"), f"  (the recipe has {stated})" if stated else "")
        for line in wrap(choice.why, max(20, terminal.console.width - len(_INDENT))):
            terminal.say(_INDENT, line)
    for doubt in doubtful:
        terminal.warn(doubt)
    terminal.say(f"Written: {recipe}" if written else f"Write it down: maskline plan {recipe} --write")


def _stated(config: Config, choice: Choice) -> str:
    """What the recipe has, where it is something else."""
    from pipeline.runs.toml import toml_value

    section, key = choice.key.split(".")
    stated: Any = config.given(section).get(key) if section != "data" else config.data.model_dump()[key]
    return "" if stated is None or stated == choice.value else toml_value(stated)
