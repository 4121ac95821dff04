"""Verbs that ask a served model about images that are not its run's."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.external_tables import print_evaluation, print_seen
from pipeline.cli.verbs import Anonymous, AsJson, Debug, Overrides, print_json, verb

Model = Annotated[
    Path, typer.Argument(metavar="MODEL", help="A version's folder, a serving folder, or that of a run that pushed.")
]


class IfSeen(StrEnum):
    """What becomes of images that a model has seen."""

    REFUSE = "refuse"
    LEAVE_OUT = "leave-out"
    MEASURE = "measure"


@verb
def evaluate_command(
    model: Model,
    data: Annotated[Path, typer.Option(metavar="DIR", help="Folder with the images and their truth.")],
    recipe: Annotated[
        str | None,
        typer.Option(metavar="RECIPE_OR_TOML", help="How it is read; without it as what the model was made of."),
    ] = None,
    overrides: Overrides = None,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="A new folder for metrics.json, per_case.csv and the masks.")
    ] = None,
    seen: Annotated[IfSeen, typer.Option(help="What becomes of images that the model has seen.")] = IfSeen.REFUSE,
    anonymous: Anonymous = False,
    json_output: AsJson = False,
    debug: Debug = False,
) -> int:
    """Measure a served model on images that it was not made of: an external test. Nothing is pushed.

    Seen are also images of a group (patient) that the model knows. Exit codes: 0 measured; 2 usage, config or paths;
    4 refused: the model has seen some of the images, or too many of them cannot be used.
    """
    from pipeline.runs.reading import reading_bar

    with reading_bar() as watch:
        # What TensorFlow prints is not for the terminal.
        from pipeline.runs.evaluate import evaluate, exit_code

        told = evaluate(model, data, recipe, overrides or [], out, seen.value, watch, anonymous)
    if json_output:
        print_json(told)
    else:
        print_evaluation(told, out)
    return exit_code(told)


@verb
def seen_command(
    model: Model,
    images: Annotated[list[Path], typer.Argument(metavar="IMAGES...", help="Files, or folders with images.")],
    json_output: AsJson = False,
    debug: Debug = False,
) -> int:
    """Tell whether images, or copies of them, were in training, validation or test of a model.

    Flipped, turned by right angles, resized, re-encoded, of another brightness or gamma: copies are known by what goes
    with the model. Exit codes: 0 unseen, 2 usage, or an image that cannot be read, 4 some were seen.
    """
    from pipeline.runs.reading import reading_bar
    from pipeline.runs.seen import exit_code, seen_images

    with reading_bar() as watch:
        found = seen_images(model, images, watch)
    if json_output:
        print_json(found)
    else:
        print_seen(found)
    return exit_code(found)
