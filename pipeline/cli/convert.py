"""The verb `maskline convert`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from components.errors import UsageError
from components.inference.engines.registry import FORMS
from pipeline.cli.verbs import AsJson, Debug, Overrides, print_json, verb
from pipeline.terminal import Terminal

_OF_MODEL, _OF_FOLDER = "Of a MODEL", "Of a folder of images"
_NAMED = 20


@verb
def convert_command(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="MODEL|DIR",
            help="A version's folder, a serving folder or that of a run; or a folder with images and their truth.",
        ),
    ],
    to: Annotated[
        str,
        typer.Option(
            metavar="FORM",
            help=f"Of a model: {', '.join(FORMS)}. Of a folder: coco, cvat, label-studio, qupath, folders.",
        ),
    ],
    out: Annotated[Path, typer.Option(metavar="DIR", help="A new folder.")],
    data: Annotated[
        str | None,
        typer.Option(
            metavar="RUN",
            help="The run that made it: by its training and validation records.",
            rich_help_panel=_OF_MODEL,
        ),
    ] = None,
    recipe: Annotated[
        str | None,
        typer.Option(
            metavar="RECIPE_OR_TOML",
            help="How to read it; without one as maskline init understands it.",
            rich_help_panel=_OF_FOLDER,
        ),
    ] = None,
    overrides: Overrides = None,
    max_rejects: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=0,
            help="So many images may be rejected with exit code 0; without it none.",
            rich_help_panel=_OF_FOLDER,
        ),
    ] = None,
    json_output: AsJson = False,
    debug: Debug = False,
) -> int:
    """Convert a served model to a faster engine, or the truth of a folder to the form of another tool.

    A model: the copy offers the engine where the mean Dice stays within ±0.005; the verdict, with its numbers, is in
    its assets.extra/engines.json.

    A folder: masks of any layout, at the size of their images. These are not copied: documents name them by their paths
    below DIR, Label Studio's as its local files, manifest.csv of folders by paths from --out. What a form cannot hold
    is said.

    Exit codes: 0 offered, or all converted; 2 usage, paths, an engine that is not installed, no image or more rejected
    than --max-rejects allows; 3 refused: the engine differs, or too few groups (patients) can show that it does not; 4
    what the truth means is a question.
    """
    from components.imaging.annotations.target_registry import TARGETS

    if to in FORMS:
        _refuse_options(
            f"a model to {to}", {"--recipe": recipe, "--set": overrides, "--max-rejects": max_rejects}, "a folder"
        )
        if data is None:
            raise UsageError(f"--to {to}: needs --data RUN, the run that made the model")
        return _model(source, to, data, out, json_output)
    if to in TARGETS:
        _refuse_options(f"truth to {to}", {"--data": data}, "a model")
        return _folder(source, to, out, recipe, overrides or [], max_rejects or 0, json_output)
    raise UsageError(
        f"--to {to!r}: expected of a model one of {', '.join(FORMS)}; of a folder of images one of {', '.join(TARGETS)}"
    )


def _refuse_options(what: str, given: Mapping[str, Any], belongs: str) -> None:
    for option, value in given.items():
        if value is not None:
            raise UsageError(f"{option}: is of converting {belongs}, and this converts {what}. Leave it out")


def _model(model: Path, form: str, run: str, out: Path, json_output: bool) -> int:
    from pipeline.runs.reading import reading_bar

    with reading_bar():
        # What TensorFlow and the engines print is not for the terminal.
        from pipeline.runs.convert import convert, exit_code

        told = convert(model, form, run, out)
    if json_output:
        print_json(told)
    else:
        _print_verdict(told)
    return exit_code(told)


def _print_verdict(told: Mapping[str, Any]) -> None:
    terminal, measured = Terminal(), told["measured"]
    terminal.say(f"{told['form']}: {'offered' if told['offered'] else 'refused'}: {told['reason']}")
    terminal.say(
        f"It takes {told['processor_time']:.2f} of the processor time of TensorFlow; a probability changes by at most "
        f"{measured['largest_change_of_probability']:.4f}"
    )
    terminal.say(f"{told['out']}: assets.extra/engines.json")


def _folder(
    folder: Path, target: str, out: Path, recipe: str | None, overrides: list[str], max_rejects: int, json_output: bool
) -> int:
    from pipeline.runs.convert_truth import convert_truth
    from pipeline.runs.reading import reading_bar
    from pipeline.runs.rejects import exit_code_with

    with reading_bar("Converting") as watch:
        told = convert_truth(folder, target, out, recipe, overrides, watch)
    if json_output:
        print_json(told)
    else:
        _print_converted(told)
    return exit_code_with(len(told["rejects"]), told["converted"], max_rejects)


def _print_converted(told: Mapping[str, Any]) -> None:
    terminal, rejects, lost = Terminal(), told["rejects"], told["not_held"]
    for reject in rejects[:_NAMED]:
        terminal.warn(f"rejected {reject['source']}: {reject['reason']}")
    if len(rejects) > _NAMED:
        terminal.warn(f"and {len(rejects) - _NAMED} more; --json has all")
    left_out = f", {told['left_out']} left out as asked" if told["left_out"] else ""
    terminal.say(f"{told['converted']} converted, {len(rejects)} rejected{left_out}: {', '.join(told['classes'])}")
    if told["not_read"]:
        terminal.warn(
            f"{len(told['not_read'])} more images are none of it and no masks, as {told['not_read'][0]}: maskline init "
            f"{told['folder']} says how the folder is read"
        )
    if lost["pixels"]:
        terminal.warn(
            f"{lost['pixels']} pixels of {lost['images']} images are not judged, which {told['to']} cannot hold: they "
            "are background there"
        )
    terminal.say(f"{told['out']}: {told['note']}")
