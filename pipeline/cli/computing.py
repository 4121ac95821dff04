"""Options of verbs that ask a model: what computes, and how."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

COMPUTING = "Computing"


class Device(StrEnum):
    """What is computed on."""

    CPU = "cpu"
    GPU = "gpu"


class EngineName(StrEnum):
    """What answers windows."""

    TENSORFLOW = "tensorflow"
    AUTO = "auto"
    OPENVINO = "openvino"
    ONNX = "onnx"


class Precision(StrEnum):
    """What an engine computes in."""

    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"
    INT8 = "int8"


OnDevice = Annotated[
    Device | None, typer.Option(help="Without it a GPU where there is one.", rich_help_panel=COMPUTING)
]
Threads = Annotated[
    int | None, typer.Option(metavar="N", min=1, help="Without it all cores.", rich_help_panel=COMPUTING)
]
Engine = Annotated[
    EngineName,
    typer.Option(
        help="What answers windows: auto is the fastest that the model offers. A copy of it offers more by "
        "maskline convert, what a run pushes by its recipe's engines in the section serving.",
        rich_help_panel=COMPUTING,
    ),
]
InPrecision = Annotated[Precision | None, typer.Option(help="Of the engine.", rich_help_panel=COMPUTING)]
