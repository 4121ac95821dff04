"""The verb `maskline plan`."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from shlex import quote
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
    from pipeline.runs.plan.compare import Compared
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
    from pipeline.runs.folders import DEFAULT_OUT
    from pipeline.runs.plan.compare import compare_candidates, cost
    from pipeline.runs.plan.write import write_plan

    if write and recipe in recipe_names():
        raise UsageError(f"{recipe}: comes with Maskline. Make it yours: maskline config show {recipe} > my.toml")
    if write and overrides:
        raise UsageError(
            f"--write with --set: the plan would not be that of {recipe} as it stands. Write into it what --set says, "
            "then plan with --write alone"
        )
    config, name = load_config(recipe, overrides or []), Path(recipe).stem
    made, doubtful = _planned(config, data)
    tried = None
    if compare:
        if not json_output:
            Terminal().say(f"To compare: {cost(config, made)}")
        tried = compare_candidates(name, config, made, data, out or DEFAULT_OUT / f"{name}-plan", json_output)
        made = tried.plan
    if write:
        write_plan(Path(recipe), made.choices)
    if json_output:
        print_json(_as_json(made, doubtful, tried))
    else:
        _print(config, made, doubtful, tried)
        told = f"Written: {recipe}" if write else written_by(recipe, data, overrides or [], compare)
        Terminal(wraps=True).say(told)
    return ExitCode.DONE


def _planned(config: Config, data: Path | None) -> tuple[Plan, list[str]]:
    """The plan, and what speaks against the recipe."""
    from pipeline.runs.launch import source_folder
    from pipeline.runs.plan.core import plan
    from pipeline.runs.plan.doubts import doubts
    from pipeline.runs.quiet import quiet
    from pipeline.runs.reading import reading_bar

    config.data.refuse_questions()
    with TemporaryDirectory() as phantoms:
        root, _ = source_folder(config.data, data, Path(phantoms) / "data")
        with reading_bar() as watch:
            made = plan(config, root, watch)
    with quiet(Path(os.devnull)):
        return made, list(doubts(config, made.seen))


def _as_json(made: Plan, doubtful: list[str], tried: Compared | None) -> dict[str, Any]:
    return {
        "fingerprint": asdict(made.seen),
        "plan": [asdict(choice) for choice in made.choices],
        "doubts": doubtful,
        **({"candidates": tried.rows, "chosen": tried.chosen} if tried else {}),
    }


def _print(config: Config, made: Plan, doubtful: list[str], tried: Compared | None) -> None:
    from pipeline.runs.plan.compare import told

    terminal = Terminal(wraps=True)
    for choice in made.choices:
        stated = _stated(config, choice)
        terminal.say(Styled(choice.told, "bold"), f"  (the recipe has {stated})" if stated else "")
        for line in wrap(choice.why, max(20, terminal.console.width - len(_INDENT))):
            terminal.say(_INDENT, line)
    keys = {choice.key for choice in made.choices}
    if config.data.tiles and "data.height" in keys and "data.tiles" not in keys:
        terminal.say(Styled("no data.tiles", "bold"), "  (the recipe has some)")
    for doubt in doubtful:
        terminal.warn(doubt)
    for label, row in tried.rows.items() if tried else ():
        terminal.say(f"{label}: {told(row)}")
    if tried:
        terminal.say(f"Taken: {tried.chosen}")


def written_by(recipe: str, data: Path | None, overrides: Sequence[str], compare: bool) -> str:
    """How a plan that was shown is written down."""
    from pipeline.config.loader import recipe_names

    folder = f" --data {quote(str(data))}" if data else ""
    options = f"{folder}{' --compare' if compare else ''} --write"
    if recipe in recipe_names():
        shown = f"maskline config show {recipe}{' --set ...' if overrides else ''} > my.toml"
        return f"Write it down: {shown}, then maskline plan my.toml{options}"
    again = f"maskline plan {quote(recipe)}{options}"
    return f"Write it down: {f'what --set says into {recipe}, then ' if overrides else ''}{again}"


def _stated(config: Config, choice: Choice) -> str:
    """What the recipe has, where it is something else."""
    from pipeline.runs.toml import toml_value

    section, key = choice.key.split(".")
    stated: Any = config.given(section).get(key) if section != "data" else config.data.model_dump()[key]
    if isinstance(stated, Mapping):
        same = {**stated, **choice.value} == stated
    else:
        same = stated is None or stated == choice.value
    return "" if same else toml_value(stated)
