"""The verbs of `maskline kubeflow`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipeline.verbs import AsJson, Debug, Overrides, Recipe, print_json, verb

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
    """Compile a recipe to the YAML that Kubeflow Pipelines runs."""
    from pipeline.config.loader import load_config
    from pipeline.kubeflow.compile import compile_package
    from pipeline.kubeflow.package import write_package

    package = compile_package(Path(recipe).stem, load_config(recipe, overrides or []), data)
    write_package(package, out)
    if json_output:
        print_json({"pipeline": str(out)})
    else:
        typer.echo(out)


@kubeflow_app.command("simulate")
@verb
def simulate_command(
    file: Annotated[Path, typer.Argument(metavar="FILE.yaml", help="A compiled pipeline.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Stands for the cluster's stores; kept between runs.")],
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
    import sys

    from pipeline.kubeflow.pod import pairs, place_of
    from pipeline.kubeflow.simulate import Simulation, conclusion, simulate
    from pipeline.runners.console import RunConsole

    place = place_of(image, mount or [])
    console = RunConsole(sys.stdout, silent=json_output)
    record = simulate(Simulation(file, out, place, pairs("--parameter", parameter or []), not no_cache), console)
    if json_output:
        print_json(record)
    for line in [] if json_output else conclusion(record):
        console.say(line)
    return record["exit_code"]
