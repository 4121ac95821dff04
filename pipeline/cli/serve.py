"""The verb `maskline serve`."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from components.errors import UsageError
from pipeline.cli.computing import Engine, EngineName, InPrecision, OnDevice, Threads
from pipeline.cli.verbs import Debug, verb
from pipeline.terminal import Terminal

_LIMITS = "Limits of a request"


@verb
def serve_command(
    model: Annotated[
        Path,
        typer.Argument(
            metavar="MODEL",
            help="A serving or an output folder, whose champion is followed; a version's or a run's, or a .zip.",
        ),
    ],
    host: Annotated[str, typer.Option(metavar="HOST", help="Where it listens.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(metavar="N", min=0, max=65535, help="0: any that is free.")] = 8501,
    name: Annotated[str, typer.Option(metavar="NAME", help="Of the model, in /v1/models/NAME:predict.")] = "maskline",
    token_file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="With the token that requests must bear; needed beyond this machine."),
    ] = None,
    megabytes: Annotated[
        int, typer.Option(metavar="N", min=1, max=2048, help="Of its body.", rich_help_panel=_LIMITS)
    ] = 128,
    megapixels: Annotated[
        float, typer.Option(metavar="N", min=0.01, max=1000, help="Of an image.", rich_help_panel=_LIMITS)
    ] = 100,
    seconds: Annotated[
        float, typer.Option(metavar="N", min=1, max=3600, help="To its answer.", rich_help_panel=_LIMITS)
    ] = 60,
    at_once: Annotated[
        int, typer.Option(metavar="N", min=1, max=64, help="So many are worked on.", rich_help_panel=_LIMITS)
    ] = 2,
    waiting: Annotated[
        int, typer.Option(metavar="N", min=0, max=10_000, help="So many wait for them.", rich_help_panel=_LIMITS)
    ] = 16,
    device: OnDevice = None,
    threads: Threads = None,
    engine: Engine = EngineName.TENSORFLOW,
    precision: InPrecision = None,
    debug: Debug = False,
) -> None:
    """Serve a model over HTTP: TensorFlow Serving's and KServe's paths, Prometheus metrics, and a page to try it on.

    A champion that changes is followed without a restart. SIGTERM and Ctrl+C end it when what it has begun is answered,
    within --seconds and a few more. Exit codes: 0 ended; 2 usage, or there is no model that answers.
    """
    from pipeline.runs.quiet import quiet
    from pipeline.serve.limits import Limits
    from pipeline.serve.reach import listening, token_in

    if not re.fullmatch(r"[\w.-]+", name, re.ASCII):
        raise UsageError(f"--name: found {name!r}, expected letters, digits, and . _ -")
    token = token_in(token_file) if token_file else None
    limits = Limits(megabytes * 2**20, round(megapixels * 1e6), seconds, at_once, waiting)
    bound = listening(host, port, token)
    with quiet(Path(os.devnull)) as terminal:
        # What TensorFlow prints is not for the terminal.
        try:
            from pipeline.serve.server import serve
        except ModuleNotFoundError as error:
            raise UsageError(f"serve: {error.name} is missing: pip install 'maskline[serve]'") from error

        serve(
            model,
            bound,
            name,
            token,
            limits,
            engine.value,
            precision and precision.value,
            device and device.value,
            threads,
            _log(Terminal(terminal)),
        )


def _log(terminal: Terminal) -> Callable[[str], None]:
    def log(text: str) -> None:
        # Who reads it may have gone, which Rich takes for an end: a server does not end with them.
        with suppress(OSError, SystemExit):
            terminal.say_lines(text)

    return log
