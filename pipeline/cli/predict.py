"""The verb `maskline predict`."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from components.inference.engines.registry import parts_of
from pipeline.cli.computing import COMPUTING, Engine, EngineName, InPrecision, OnDevice, Threads
from pipeline.cli.verbs import Anonymous, AsJson, Debug, print_json, verb
from pipeline.terminal import Terminal

_NAMED = 20
_POINT = "How answers become masks (without these as stored in the model)"


class BlendName(StrEnum):
    """What becomes of overlapping tiles."""

    MEAN = "mean"
    GAUSSIAN = "gaussian"
    CUT = "cut"


class ViewName(StrEnum):
    """How a model looks at an image."""

    TILED = "tiled"
    WHOLE = "whole"
    MEAN = "mean"
    MINIMUM = "minimum"
    BITWISE = "bitwise"


def _switch(help: str) -> Any:
    return typer.Option(help=help, rich_help_panel=_POINT)


@verb
def predict_command(
    model: Annotated[
        Path,
        typer.Argument(
            metavar="MODEL", help="A version's folder or a .zip of it, a serving folder, a run's or its output folder."
        ),
    ],
    images: Annotated[
        list[Path],
        typer.Argument(
            metavar="IMAGES...", help="Files, folders with all below them, or a CSV table with a column image."
        ),
    ],
    out: Annotated[
        Path,
        typer.Option(
            metavar="DIR", help="A new folder: masks/NAME.png, predictions.csv, review.csv (least sure first)."
        ),
    ],
    write: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KIND,...",
            help="Beside masks: probability, overlay, colour, geojson, coco, lesions, dicom-seg; repeatable.",
        ),
    ] = None,
    colours: Annotated[
        str,
        typer.Option(
            metavar="COLOUR,...",
            help="Of the classes in overlay and colour: as HTML names them (green), or '#rrggbb'.",
        ),
    ] = "",
    spacing: Annotated[
        float | None,
        typer.Option(metavar="MM", help="Side of a pixel, for lengths and dicom-seg; without it as images tell."),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on in DIR where the same command was ended.")] = False,
    max_rejects: Annotated[
        int, typer.Option(metavar="N", min=0, help="So many images may be rejected with exit code 0.")
    ] = 0,
    threshold: Annotated[
        float | None,
        typer.Option(metavar="P", help="From which probability on a pixel is foreground.", rich_help_panel=_POINT),
    ] = None,
    temperature: Annotated[
        float | None, typer.Option(metavar="T", help="Divides the logits.", rich_help_panel=_POINT)
    ] = None,
    mirror: Annotated[bool | None, _switch("Average over four mirrored forms.")] = None,
    fill_holes: Annotated[bool | None, _switch("Fill what one class encloses.")] = None,
    least_region: Annotated[
        int | None,
        typer.Option(metavar="PIXELS", help="Drop smaller regions; pixels as the model sees.", rich_help_panel=_POINT),
    ] = None,
    largest: Annotated[bool | None, _switch("Keep a class's largest region.")] = None,
    blend: Annotated[
        BlendName, typer.Option(help="Of overlapping tiles: mean, by a bell, or a hard cut.", rich_help_panel=_POINT)
    ] = BlendName.MEAN,
    view: Annotated[
        ViewName | None,
        typer.Option(
            help="Of a model of tiles: those, the whole image in one window, or both joined by that rule.",
            rich_help_panel=_POINT,
        ),
    ] = None,
    blur: Annotated[
        float,
        typer.Option(
            metavar="SIGMA", help="Blur probabilities by a Gaussian, sigma in pixels.", rich_help_panel=_POINT
        ),
    ] = 0,
    sharpen: Annotated[
        float,
        typer.Option(metavar="K", help="Sharpen them: 3 x 3 of -K with 1 + 8 K in the middle.", rich_help_panel=_POINT),
    ] = 0,
    device: OnDevice = None,
    threads: Threads = None,
    batch: Annotated[int, typer.Option(metavar="N", min=1, help="Windows at once.", rich_help_panel=COMPUTING)] = 8,
    engine: Engine = EngineName.TENSORFLOW,
    precision: InPrecision = None,
    beam: Annotated[
        str | None,
        typer.Option(
            metavar="RECIPE_OR_TOML",
            help="By workers of Beam: processes here, or a cluster, as the section execution of this recipe, or of a "
            "file with nothing else, says.",
            rich_help_panel=COMPUTING,
        ),
    ] = None,
    anonymous: Anonymous = False,
    json_output: AsJson = False,
    debug: Debug = False,
) -> int:
    """Predict masks for images by a served model, each at the size of its image.

    Exit codes: 0 predicted; 2 usage, no image was predicted, or more were rejected than --max-rejects allows.
    """
    from pipeline.runs.reading import reading_bar

    point = {
        "threshold": threshold,
        "temperature": temperature,
        "mirror": mirror,
        "fill_holes": fill_holes,
        "least_region": least_region,
        "largest": largest,
    }
    with reading_bar("Predicting") as watch:
        # What TensorFlow prints is not for the terminal.
        from pipeline.config.loader import load_execution
        from pipeline.runs.predict import Options, exit_code, predict

        kinds = [kind.strip() for given in write or [] for kind in given.split(",")]
        changed = {key: value for key, value in point.items() if value is not None}
        options = Options(
            point=changed,
            blend=blend.value,
            batch=batch,
            kinds=kinds,
            device=device and device.value,
            threads=threads,
            engine=engine.value,
            precision=precision and precision.value,
            view=view and view.value,
            filtering={"blur": blur, "sharpen": sharpen},
            colours=colours,
            spacing=spacing,
        )
        execution = load_execution(beam) if beam else None
        told = predict(model, images, out, options, resume, watch, execution, anonymous)
    if json_output:
        print_json(told)
    else:
        _print(told)
    return exit_code(told, max_rejects)


def _print(told: Mapping[str, Any]) -> None:
    terminal = Terminal()
    for what, rejects in (("rejected", told["rejects"]), ("not read:", told["not_read"])):
        for reject in rejects[:_NAMED]:
            terminal.warn(f"{what} {reject['source']}: {reject['reason']}")
        if len(rejects) > _NAMED:
            terminal.warn(f"and {len(rejects) - _NAMED} more; --json has all")
    before = f", {told['of_them_before']} of them before" if told["of_them_before"] else ""
    named = told["model"]["version"] or told["model"]["sha256"][:12]
    engine, precision = parts_of(told["engine"])
    by = f"model {named} by {engine} in {precision} on the {told['device']}"
    terminal.say(f"{told['answered']} predicted{before}, {len(told['rejects'])} rejected: {by}")
    terminal.say(f"{told['out']}: {', '.join([*told['folders'], *told['tables']])}")
