"""The `maskline` verbs. Neither TensorFlow nor TFX is imported until a verb needs it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from components.errors import ExitCode
from pipeline.cli.bench import bench_app
from pipeline.cli.compare import compare_command
from pipeline.cli.convert import convert_command
from pipeline.cli.external import evaluate_command, seen_command
from pipeline.cli.init import init_command
from pipeline.cli.kubeflow import kubeflow_app
from pipeline.cli.plan import plan_command
from pipeline.cli.predict import predict_command
from pipeline.cli.registry import registry_app
from pipeline.cli.schedule import schedule_command
from pipeline.cli.serve import serve_command
from pipeline.cli.verbs import Anonymous, AsJson, Debug, Overrides, Recipe, print_json, verb
from pipeline.terminal import Terminal, document, say

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Gated, served and retrained segmentation models from folders of medical images. Research software.",
)
config_app = typer.Typer(no_args_is_help=True, help="Recipes and configs.")
app.add_typer(config_app, name="config")
app.add_typer(kubeflow_app, name="kubeflow")
app.add_typer(bench_app, name="bench")
app.add_typer(registry_app, name="registry")


@app.command("run")
@verb
def run_command(
    recipe: Recipe,
    data: Annotated[Path | None, typer.Option(help="Folder with the images.")] = None,
    overrides: Overrides = None,
    out: Annotated[Path | None, typer.Option(help="Output folder; without it maskline-out/RECIPE.")] = None,
    from_node: Annotated[
        str | None, typer.Option("--from", metavar="NODE", help="Run this node and what follows it again.")
    ] = None,
    to_node: Annotated[
        str | None, typer.Option("--to", metavar="NODE", help="End after this node and what it needs.")
    ] = None,
    no_cache: Annotated[bool, typer.Option("--no-cache", help="Reuse no earlier result.")] = False,
    json_output: AsJson = False,
    debug: Debug = False,
) -> int | None:
    """Run the pipeline here: derive, check, augment, train, evaluate, push.

    Exit codes: 0 done, 1 crash or disk full, 2 usage or config, 3 refused by the evaluation, 4 refused by the data
    gate; 130 interrupted; 143 told to end (SIGTERM), which it does after the current node: a second SIGTERM
    interrupts it.
    """
    from pipeline.config.loader import load_config
    from pipeline.runs.launch import launch

    overrides = [*(overrides or []), *(["execution.cache=false"] if no_cache else [])]
    config = load_config(recipe, overrides)
    record = launch(Path(recipe).stem, config, data, out, from_node, to_node, silent=json_output)
    if json_output:
        print_json(record.as_json())
    return record.exit_code


app.command("init")(init_command)
app.command("plan")(plan_command)
app.command("predict")(predict_command)
app.command("serve")(serve_command)
app.command("schedule")(schedule_command)
app.command("evaluate")(evaluate_command)
app.command("convert")(convert_command)
app.command("compare")(compare_command)
app.command("seen")(seen_command)


@app.command("check")
@verb
def check_command(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder with the images.")],
    recipe: Annotated[
        str | None,
        typer.Option(metavar="RECIPE_OR_TOML", help="How to read it; without it told from the folder."),
    ] = None,
    overrides: Overrides = None,
    champion: Annotated[
        Path | None,
        typer.Option(metavar="SERVING_DIR", help="Split by what the champion there knows, and compare with its data."),
    ] = None,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Write everything that was found, as JSON.")] = None,
    json_output: AsJson = False,
    debug: Debug = False,
) -> int:
    """Check a data set without training: pairs, formats, groups, duplicates, leaks. Exit code 4: something is wrong."""
    from pipeline.cli.check_tables import print_check
    from pipeline.runs.check import check_folder, write_check
    from pipeline.runs.reading import reading_bar

    with reading_bar() as watch:
        report = check_folder(folder, recipe, overrides or [], champion, watch)
    if out:
        write_check(out, report)
    if json_output:
        print_json(report)
    else:
        print_check(report, out)
        if recipe is None:
            told = (
                f"How the folder is read was told from its files: maskline init {folder} says why, and writes it down"
            )
            Terminal(wraps=True).say(told)
    return ExitCode.DATA_REFUSED if report["problems"] or report["rejects"] else ExitCode.DONE


@app.command("augment")
@verb
def augment_command(
    recipe: Recipe,
    preview: Annotated[Path, typer.Option(metavar="FILE", help="The picture to write, .png.")],
    data: Annotated[Path | None, typer.Option(help="Folder with the images.")] = None,
    overrides: Overrides = None,
    count: Annotated[int, typer.Option(min=1, max=20, help="Copies of each image.")] = 5,
    json_output: AsJson = False,
    debug: Debug = False,
) -> None:
    """Show what a recipe's augmentation does: training images beside their copies, with the outlines of the masks."""
    from pipeline.cli.preview import preview_augmentation
    from pipeline.config.loader import load_config

    copies = preview_augmentation(load_config(recipe, overrides or []), data, preview, count)
    if json_output:
        print_json({"preview": str(preview), "copies": copies})
    else:
        say(str(preview))


@app.command("models")
@verb
def models_command(json_output: AsJson = False, debug: Debug = False) -> None:
    """List the architectures with their parameters and input rules."""
    from pipeline.cli.listings import models, print_models

    if json_output:
        print_json(models())
    else:
        print_models(models())


@app.command("runs")
@verb
def runs_command(
    out: Annotated[Path, typer.Argument(help="Folder below which to look.")] = Path("maskline-out"),
    json_output: AsJson = False,
    debug: Debug = False,
) -> None:
    """List past runs, and slots of `maskline schedule` that had none, oldest first."""
    from pipeline.cli.listings import print_runs
    from pipeline.schedule.ledger import with_slots

    runs = with_slots(out)
    if json_output:
        print_json([run.as_json() for run in runs])
    else:
        print_runs(runs, out)


@app.command("report")
@verb
def report_command(
    run: Annotated[str, typer.Argument(help="A run's id or folder, or an output folder; `maskline runs` lists them.")],
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="A new folder, into which it is written again.")
    ] = None,
    anonymous: Anonymous = False,
    open_browser: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
    json_output: AsJson = False,
    debug: Debug = False,
) -> None:
    """Print where the HTML report of a run is, open it, or write it again for others."""
    from pipeline.runs.reading import reading_bar
    from pipeline.runs.report import report_of, write_again

    if out or anonymous:
        with reading_bar():
            path = write_again(run, out, anonymous)
    else:
        path = report_of(run)
    if json_output:
        print_json({"report": str(path)})
    else:
        say(str(path))
    if open_browser:
        typer.launch(path.as_uri())


@app.command("doctor")
@verb
def doctor_command(
    data: Annotated[Path | None, typer.Option(help="Data folder to look at.")] = None,
    json_output: AsJson = False,
    debug: Debug = False,
) -> int:
    """Check versions, memory, disk, accelerator and data folder."""
    from pipeline.cli.doctor import examine, print_examination

    findings = examine(data)
    if json_output:
        print_json(findings)
    else:
        print_examination(findings)
    return ExitCode.DONE if all(finding["ok"] for finding in findings) else ExitCode.FAILED


@config_app.command("show")
@verb
def config_show_command(
    recipe: Recipe, overrides: Overrides = None, json_output: AsJson = False, debug: Debug = False
) -> None:
    """Print the whole resolved config as TOML that `maskline run` accepts."""
    from pipeline.cli.listings import config_toml
    from pipeline.config.loader import load_config

    config = load_config(recipe, overrides or [])
    if json_output:
        print_json(config.model_dump())
    else:
        document(config_toml(config))
