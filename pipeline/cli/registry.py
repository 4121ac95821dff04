"""The verbs `maskline registry`: what is served, and what was."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from components.errors import UsageError
from pipeline.cli.verbs import Anonymous, AsJson, Debug, print_json, verb
from pipeline.terminal import Column, Terminal

if TYPE_CHECKING:
    from pipeline.runs.registry.prune import Unneeded

registry_app = typer.Typer(
    no_args_is_help=True, help="The versions of a serving folder: list, show, roll back, export."
)
Folder = Annotated[Path, typer.Argument(metavar="DIR", help="A serving folder, or the output folder of runs.")]


@registry_app.command("list")
@verb
def list_command(folder: Folder, json_output: AsJson = False, debug: Debug = False) -> None:
    """List the versions, the newest first."""
    from pipeline.runs.registry.listing import listing

    rows = listing(folder)
    if json_output:
        print_json(rows)
        return
    columns = [Column(name, whole=True) for name in ("version", "pushed", "recipe", "Dice", "state")]
    Terminal(wraps=True).show(columns, map(_row, rows))


@registry_app.command("show")
@verb
def show_command(
    folder: Folder,
    version: Annotated[str | None, typer.Option(metavar="VERSION", help="Without it the champion.")] = None,
    json_output: AsJson = False,
    debug: Debug = False,
) -> None:
    """Show what is known of a version: its manifest."""
    from pipeline.runs.registry.listing import listing, manifest_of

    if json_output:
        print_json(manifest_of(folder, version))
        return
    shown = manifest_of(folder, version)["version"]
    [row] = [row for row in listing(folder) if row["version"] == shown]
    terminal = Terminal()
    for key, value in row.items():
        if value not in (None, False):
            terminal.say(f"{key.replace('_', ' ')}: {'yes' if value is True else value}")


@registry_app.command("rollback")
@verb
def rollback_command(
    folder: Folder,
    to: Annotated[
        str | None, typer.Option(metavar="VERSION", help="Without it what the champion has replaced.")
    ] = None,
    json_output: AsJson = False,
    debug: Debug = False,
) -> None:
    """Serve an earlier version again, as a new version with the highest number: servers take it as any push.

    The model that is rolled back is not pushed again, however it measures, until --to names its version.
    """
    from pipeline.runs.reading import reading_bar

    with reading_bar():
        # What TensorFlow prints is not for the terminal.
        from pipeline.runs.registry.rollback import rollback

        told = rollback(folder, to)
    if json_output:
        print_json(told)
    else:
        say = Terminal().say
        say(f"{told['serving']}: version {told['version']} is served, the model of version {told['copy_of']}")
        say(f"That of version {told['rolled_back']} stays there, and is not pushed again")


@registry_app.command("prune")
@verb
def prune_command(
    folder: Folder,
    keep: Annotated[int, typer.Option(metavar="N", min=1, help="So many versions stay, the newest.")],
    yes: Annotated[bool, typer.Option("--yes", help="Ask nothing.")] = False,
    json_output: AsJson = False,
    debug: Debug = False,
) -> None:
    """Remove old versions, and artifacts that neither a version that stays nor a recipe's last run was made of.

    The champion stays, with all that proves what it is. What is removed of artifacts, a run that needs it makes again.
    """
    from pipeline.runs.reading import reading_bar

    with reading_bar():
        # What TensorFlow prints is not for the terminal.
        from pipeline.runs.registry.prune import prune, unneeded

        found = unneeded(folder, keep)
    if not json_output:
        _print_unneeded(found)
    if found.size and _is_sure(yes, json_output):
        prune(folder, keep, found)
    if json_output:
        print_json(found.as_json())


def _print_unneeded(found: Unneeded) -> None:
    terminal = Terminal()
    for what, folders in (("version", found.versions), ("artifact", found.artifacts)):
        for path, size in folders.items():
            terminal.say(f"{what} {path}: {size / 1e6:.1f} MB")
    terminal.say(f"{len(found.versions)} versions, {len(found.artifacts)} artifacts: {found.size / 1e6:.1f} MB")


def _is_sure(yes: bool, json_output: bool) -> bool:
    if yes:
        return True
    if json_output or not sys.stdin.isatty():
        raise UsageError("nothing was removed: there is nobody to ask. Give --yes")
    return typer.confirm("Remove them?")


@registry_app.command("export")
@verb
def export_command(
    folder: Folder,
    out: Annotated[Path, typer.Option(metavar="FILE.zip", help="A new file.")],
    version: Annotated[str | None, typer.Option(metavar="VERSION", help="Without it the champion.")] = None,
    anonymous: Anonymous = False,
    json_output: AsJson = False,
    debug: Debug = False,
) -> None:
    """Write a version into one file, with engines, manifest, proof of its splits, report and licences.

    maskline predict takes it on a machine without the data. What it says of patients: docs/privacy.md.
    """
    from pipeline.runs.reading import reading_bar

    with reading_bar():
        # What TensorFlow prints is not for the terminal.
        from pipeline.runs.registry.export import export

        told = export(folder, version, out, anonymous)
    if json_output:
        print_json(told)
        return
    terminal = Terminal()
    if not told["report"]:
        terminal.warn("its run does not stand beside the serving folder any more, so it has no report")
    terminal.say(f"{told['out']}: version {told['version']}, {told['bytes'] / 1e6:.1f} MB")


def _row(row: Mapping[str, Any]) -> tuple[str, ...]:
    state = ["served"] if row["champion"] else []
    state += ["rolled back"] if row["withdrawn"] else []
    state += [f"copy of {row['copy_of']}"] if row["copy_of"] else []
    dice = "" if row["dice"] is None else f"{row['dice']:.3f}"
    return row["version"], (row["pushed_at"] or "")[:16].replace("T", " "), row["recipe"] or "", dice, ", ".join(state)
