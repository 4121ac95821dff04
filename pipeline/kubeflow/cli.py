"""The verbs of `maskline kubeflow`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.verbs import AsJson, Debug, Overrides, Recipe, print_json, verb

if TYPE_CHECKING:
    from pipeline.kubeflow.parsed import Fault

kubeflow_app = typer.Typer(no_args_is_help=True, help="The same graph on Kubeflow Pipelines.")


@kubeflow_app.command("compile")
@verb
def compile_command(
    recipe: Recipe,
    out: Annotated[Path, typer.Option(metavar="FILE.yaml", help="The pipeline to write.")],
    data: Annotated[str | None, typer.Option(metavar="DIR", help="Folder with the images in the containers.")] = None,
    overrides: Overrides = None,
    json_output: AsJson = False,
    debug: Debug = False,
) -> None:
    """Compile a recipe to the YAML that Kubeflow Pipelines runs; exit code 2 where a cluster would refuse it."""
    from pipeline.config.loader import load_config
    from pipeline.kubeflow.compile import compile_package
    from pipeline.kubeflow.lint import lint
    from pipeline.kubeflow.package import write_package
    from pipeline.runners.quiet import quiet

    config = load_config(recipe, overrides or [])
    with quiet(Path(os.devnull)):
        package = compile_package(Path(recipe).stem, config, data)
    write_package(package, out)
    _print_faults(lint(package), {"pipeline": str(out)}, json_output)
    if not json_output:
        typer.echo(out)


@kubeflow_app.command("simulate")
@verb
def simulate_command(
    file: Annotated[Path, typer.Argument(metavar="FILE.yaml", help="A compiled pipeline.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Stands for the cluster's stores; kept between runs.")],
    data: Annotated[
        Path | None, typer.Option(help="[data] input as this machine sees it: to read it once while it is unchanged.")
    ] = None,
    image: Annotated[
        str | None, typer.Option(metavar="NAME", help="Run the steps in containers; '' is the pipeline's own image.")
    ] = None,
    mount: Annotated[
        list[str] | None, typer.Option(metavar="CLAIM=DIR", help="Folder that stands for a volume; with --image.")
    ] = None,
    parameter: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="A parameter of the pipeline; repeatable.")
    ] = None,
    no_cache: Annotated[bool, typer.Option("--no-cache", help="Reuse no earlier result.")] = False,
    json_output: AsJson = False,
    debug: Debug = False,
) -> int:
    """Run a compiled pipeline here, step by step as the cluster would; the exit code is that of the failed step."""
    import signal
    import sys

    from pipeline.kubeflow.package import read_package
    from pipeline.kubeflow.pod import pairs, place_of
    from pipeline.kubeflow.simulate import Simulation, conclusion, for_data, simulate
    from pipeline.runners.console import RunConsole

    package = for_data(read_package(file), data) if data else read_package(file)
    values = pairs("--parameter", parameter or [])
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # A step must not outlive its simulation.
    console = RunConsole(sys.stdout, silent=json_output)
    record = simulate(Simulation(package, out, place_of(image, mount or []), values, not no_cache), console)
    if json_output:
        print_json(record)
    for line in [] if json_output else conclusion(record):
        console.say(line)
    return record["exit_code"]


@kubeflow_app.command("lint")
@verb
def lint_command(
    file: Annotated[Path, typer.Argument(metavar="FILE.yaml", help="A compiled pipeline.")],
    json_output: AsJson = False,
    debug: Debug = False,
) -> int:
    """Say what a cluster would refuse of a compiled pipeline, and why. Exit codes: 0 nothing, 2 something."""
    from pipeline.kubeflow.lint import lint_file

    faults = lint_file(file)
    _print_faults(faults, {"pipeline": str(file)}, json_output)
    return 0 if all(fault.warning for fault in faults) else 2


def _print_faults(faults: Sequence[Fault], record: dict[str, Any], json_output: bool) -> None:
    if json_output:
        print_json({**record, "faults": [asdict(fault) for fault in faults]})
    for fault in [] if json_output else faults:
        typer.echo(fault, err=True)
