"""The verb `maskline convert`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from components.inference.engines.registry import ENGINES, PRECISIONS
from pipeline.cli.external import Model
from pipeline.cli.verbs import AsJson, Debug, print_json, verb
from pipeline.terminal import Terminal


@verb
def convert_command(
    model: Model,
    data: Annotated[
        str,
        typer.Option(metavar="RUN", help="The run that made it: by its training and validation records."),
    ],
    out: Annotated[Path, typer.Option(metavar="DIR", help="A new folder: the model with what it was converted to.")],
    engine: Annotated[str, typer.Option(help=f"{', '.join(ENGINES)}.")] = "openvino",
    precision: Annotated[str, typer.Option(help=f"{', '.join(PRECISIONS)}.")] = "float32",
    json_output: AsJson = False,
    debug: Debug = False,
) -> int:
    """Convert a served model to a faster engine, which the copy offers where the mean Dice stays within ±0.005.

    The verdict, with its numbers, is in the copy's assets.extra/engines.json. Exit codes: 0 offered; 2 usage, paths, an
    engine that is not installed; 3 refused: it differs, or too few groups (patients) can show that it does not.
    """
    from pipeline.runs.reading import reading_bar

    with reading_bar():
        # What TensorFlow and the engines print is not for the terminal.
        from pipeline.runs.convert import convert, exit_code

        told = convert(model, engine, precision, data, out)
    if json_output:
        print_json(told)
    else:
        _print(told)
    return exit_code(told)


def _print(told: Mapping[str, Any]) -> None:
    terminal, measured = Terminal(), told["measured"]
    terminal.say(f"{told['form']}: {'offered' if told['offered'] else 'refused'}: {told['reason']}")
    terminal.say(
        f"It takes {told['processor_time']:.2f} of the processor time of TensorFlow; a probability changes by at most "
        f"{measured['largest_change_of_probability']:.4f}"
    )
    terminal.say(f"{told['out']}: assets.extra/engines.json")
