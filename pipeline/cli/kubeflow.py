"""The verbs of `maskline kubeflow`."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from components.errors import ExitCode
from pipeline.cli.verbs import AsJson, Debug, Overrides, Recipe, print_json, verb
from pipeline.kubeflow.simulator.backend import BACKENDS, NEWEST, backend_of
from pipeline.terminal import Terminal, say

if TYPE_CHECKING:
    from pipeline.config.root import Config
    from pipeline.kubeflow.spec.parsed import Fault
    from pipeline.runs.console import RunConsole

ContainerData = Annotated[str | None, typer.Option(metavar="DIR", help="Folder with the images in the containers.")]
_RELEASES = ", ".join(backend.release for backend in BACKENDS)

kubeflow_app = typer.Typer(no_args_is_help=True, help="The same graph on Kubeflow Pipelines.")


@kubeflow_app.command("compile")
@verb
def compile_command(
    recipe: Recipe,
    out: Annotated[Path, typer.Option(metavar="FILE.yaml", help="The pipeline to write.")],
    data: ContainerData = None,
    overrides: Overrides = None,
    json_output: AsJson = False,
    debug: Debug = False,
) -> None:
    """Compile a recipe to the YAML that Kubeflow Pipelines runs; exit code 2 where a cluster would refuse it."""
    from pipeline.config.loader import load_config
    from pipeline.kubeflow.spec.compile import compile_package
    from pipeline.kubeflow.spec.lint import lint
    from pipeline.kubeflow.spec.package import write_package
    from pipeline.runs.quiet import quiet

    config = load_config(recipe, overrides or [])
    with quiet(Path(os.devnull)):
        package = compile_package(Path(recipe).stem, config, data)
    write_package(package, out)
    _print_faults(lint(package), {"pipeline": str(out)}, json_output)
    if not json_output:
        say(str(out))


@kubeflow_app.command("simulate")
@verb
def simulate_command(
    file: Annotated[Path, typer.Argument(metavar="FILE.yaml", help="A compiled pipeline.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Stands for the cluster's stores; kept between runs.")],
    data: Annotated[
        Path | None, typer.Option(help=r"\[data] input as this machine sees it: to read it once while it is unchanged.")
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
    backend: Annotated[
        str, typer.Option(metavar="RELEASE", help=f"Of Kubeflow Pipelines, as which to call the steps: {_RELEASES}.")
    ] = NEWEST.release,
    json_output: AsJson = False,
    debug: Debug = False,
) -> int | None:
    """Run a compiled pipeline here, step by step as the cluster would; the exit code is that of the failed step."""
    import signal
    import sys

    from pipeline.kubeflow.simulator.pod import pairs, runtime_of
    from pipeline.kubeflow.simulator.simulate import Simulation, for_data, simulate
    from pipeline.kubeflow.spec.package import read_package
    from pipeline.runs.conclusion import conclusion
    from pipeline.runs.console import RunConsole

    package = for_data(read_package(file), data) if data else read_package(file)
    values = pairs("--parameter", parameter or [])
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # A step must not outlive its simulation.
    console = RunConsole(sys.stdout, silent=json_output)
    simulation = Simulation(
        package, out, runtime_of(image, mount or []), values, cache=not no_cache, backend=backend_of(backend)
    )
    record = simulate(simulation, console)
    if json_output:
        print_json(record.as_json())
    for line in conclusion(record):
        console.say(line)
    return record.exit_code


@kubeflow_app.command("lint")
@verb
def lint_command(
    file: Annotated[Path, typer.Argument(metavar="FILE.yaml", help="A compiled pipeline.")],
    json_output: AsJson = False,
    debug: Debug = False,
) -> int:
    """Say what a cluster would refuse of a compiled pipeline, and why. Exit codes: 0 nothing, 2 something."""
    from pipeline.kubeflow.spec.lint import lint_file

    faults = lint_file(file)
    _print_faults(faults, {"pipeline": str(file)}, json_output)
    return ExitCode.DONE if all(fault.warning for fault in faults) else ExitCode.USAGE


def _print_faults(faults: Sequence[Fault], record: dict[str, Any], json_output: bool) -> None:
    if json_output:
        print_json({**record, "faults": [asdict(fault) for fault in faults]})
    for fault in [] if json_output else faults:
        Terminal(errors=True).say_lines(str(fault))


class Target(StrEnum):
    """Who runs the pipeline."""

    kubeflow = "kubeflow"
    vertex = "vertex"


@kubeflow_app.command("submit")
@verb
def submit_command(
    recipe: Recipe,
    data: ContainerData = None,
    local_data: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="The same folder on this machine: it is read again when its files change."),
    ] = None,
    overrides: Overrides = None,
    wait: Annotated[bool, typer.Option(help="Follow the run until it ends; not on Vertex AI.")] = True,
    timeout: Annotated[float | None, typer.Option(min=0, metavar="SECONDS", help="Wait no longer.")] = None,
    target: Annotated[Target, typer.Option(help="Where it runs; on Vertex AI it is started alone.")] = Target.kubeflow,
    json_output: AsJson = False,
    debug: Debug = False,
) -> int:
    """Compile, lint, upload and run a recipe on the cluster that KFP_ENDPOINT, KFP_NAMESPACE and KFP_TOKEN name.

    Exit codes: 0 the run succeeded (a model that the evaluation refused is no failure), 1 failed, 2 usage or config,
    4 refused by the data gate, 124 still running after --timeout, 130 cancelled. Why a run failed, and 4, can be told
    only where the server passes on what a step said; else it is 1, and the page of the run, whose address is printed,
    and the log of the step there say why.
    """
    from components.errors import UsageError
    from pipeline.kubeflow.cluster import submit

    name, config, console = _of(recipe, overrides, json_output)
    if target is Target.vertex:
        from pipeline.kubeflow.cluster.vertex import refuse_for_vertex, submit_to_vertex

        if timeout is not None:
            raise UsageError("--timeout: on Vertex AI a run is started and not waited for. Leave it out")
        refuse_for_vertex(config.kubeflow)
        package = submit.prepare(name, config, data, local_data, console)
        run = submit_to_vertex(name, package, config.kubeflow.pipeline_root)
        console.say(f"{name}: {run.id}, started and not waited for; its page on Vertex AI shows how it ends")
    else:
        cluster = submit.reach(config.kubeflow, console)
        package = submit.prepare(name, config, data, local_data, console)
        run = submit.submit(name, config, package, cluster, console, wait, timeout)
    if json_output:
        print_json(run.as_json())
    return run.exit_code


@kubeflow_app.command("runs")
@verb
def runs_command(
    recipe: Annotated[str | None, typer.Argument(metavar="[RECIPE_OR_TOML]", help="Of this recipe alone.")] = None,
    overrides: Overrides = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many.")] = 20,
    json_output: AsJson = False,
    debug: Debug = False,
) -> None:
    """List the newest runs on the cluster, newest first."""
    from pipeline.config.kubeflow import Kubeflow
    from pipeline.kubeflow.cluster.listing import listed, print_cluster_runs
    from pipeline.kubeflow.cluster.submit import reach
    from pipeline.kubeflow.spec.compile import pipeline_name
    from pipeline.runs.console import RunConsole

    settings, only, console = Kubeflow(), None, RunConsole(sys.stdout, json_output)
    if recipe:
        name, config, console = _of(recipe, overrides, json_output)
        settings, only = config.kubeflow, pipeline_name(name)
    runs = [listed(run) for run in reach(settings, console).runs(settings.experiment, only, limit)]
    if json_output:
        print_json(runs)
    else:
        print_cluster_runs(runs, settings.experiment)


@kubeflow_app.command("schedule")
@verb
def schedule_command(
    recipe: Recipe,
    cron: Annotated[str, typer.Option(metavar="CRON", help='When, such as "0 2 * * *", by the cluster\'s clock.')],
    data: ContainerData = None,
    overrides: Overrides = None,
    json_output: AsJson = False,
    debug: Debug = False,
) -> None:
    """Run a recipe again and again on the cluster, one run at a time. Scheduled again, it replaces its schedule.

    Every run reads the data anew and trains, whether they have changed or not: Kubeflow's cache does not see them.
    """
    from pipeline.kubeflow.cluster import submit
    from pipeline.kubeflow.cluster.cron import six_fields

    name, config, console = _of(recipe, overrides, json_output)
    fields = six_fields(cron)
    cluster = submit.reach(config.kubeflow, console)
    package = submit.prepare(name, config, data, None, console)
    record = submit.schedule(name, config, package, fields, cluster, console)
    if json_output:
        print_json(record)


@kubeflow_app.command("unschedule")
@verb
def unschedule_command(
    recipe: Recipe, overrides: Overrides = None, json_output: AsJson = False, debug: Debug = False
) -> None:
    """End the schedule of a recipe on the cluster; runs that have begun go on."""
    from pipeline.kubeflow.cluster import submit

    name, config, console = _of(recipe, overrides, json_output)
    record = submit.unschedule(name, config, submit.reach(config.kubeflow, console), console)
    if json_output:
        print_json(record)


def _of(recipe: str, overrides: list[str] | None, silent: bool) -> tuple[str, Config, RunConsole]:
    from pipeline.config.loader import load_config
    from pipeline.runs.console import RunConsole

    return Path(recipe).stem, load_config(recipe, overrides or []), RunConsole(sys.stdout, silent)
