"""A server from its beginning to its end."""

from __future__ import annotations

import math
import signal
import socket
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import uvicorn

from components.errors import ExitCode
from components.inference.devices import CPU, compute_on, in_use
from components.inference.engines.offered import chosen
from components.inference.engines.registry import TENSORFLOW, parts_of
from components.inference.model import load_model
from components.parallel import share_accelerators
from pipeline.runs.served import model_folder, opened
from pipeline.serve.app import application
from pipeline.serve.current import Current
from pipeline.serve.desk import Desk
from pipeline.serve.limits import Limits
from pipeline.serve.reach import address

_SPARE_SECONDS = 5


def serve(
    model: Path,
    listening: socket.socket,
    name: str,
    token: str | None,
    limits: Limits,
    engine: str,
    precision: str | None,
    device: str | None,
    threads: int | None,
    say: Callable[[str], None],
) -> None:
    """Answers until it is told to end, by SIGTERM or SIGINT, and then what it has begun.

    Args:
        model: as `opened` takes it; the champion of a folder is followed.
        listening: where.
        name: of the model, in paths.
        token: that requests must bear.
        limits: of a request.
        engine, precision, device, threads: as of `maskline predict`.
        say: told what happens.

    Raises:
        MasklineError: there is no such model, or it does not answer.
    """
    # Also while a model is loaded.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(ExitCode.DONE))
    share_accelerators()
    with opened(model) as folder:
        form = chosen(folder, engine, precision, device or in_use())
        device = compute_on(device if form == TENSORFLOW else CPU, threads)
        load = partial(load_model, engine=engine, precision=precision)
        find = partial(model_folder, folder if model.is_file() else model)
        current = Current(find, load, say)
        desk = Desk(limits)
        app = application(current, desk, limits, name, token, say)
        where, by = address(listening), " in ".join(parts_of(current.served.model.engine))
        say(f"{where}: version {current.served.version} of {model}, by {by} on the {device}")
        say(f"{where}/v1/models/{name}:predict takes images; {where}/ is a page to try it on. Ctrl+C ends it")
        current.start()
        try:
            _server(app, limits).run(sockets=[listening])
        except KeyboardInterrupt:
            say("ended")
        finally:
            current.end()
            desk.close()


def _server(app: Any, limits: Limits) -> uvicorn.Server:
    """What it has begun when it is told to end, it ends."""
    config = uvicorn.Config(
        app,
        http="h11",
        ws="none",
        lifespan="off",
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=math.ceil(limits.seconds) + _SPARE_SECONDS,
    )
    return uvicorn.Server(config)
