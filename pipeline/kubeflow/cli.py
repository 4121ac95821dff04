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
