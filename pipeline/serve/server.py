"""A server from its beginning to its end."""

from __future__ import annotations

import ipaddress
import math
import signal
import socket
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import uvicorn

from components.errors import UsageError
from components.inference.devices import CPU, compute_on, in_use
from components.inference.engines.offered import chosen
from components.inference.engines.registry import TENSORFLOW, parts_of
from components.inference.model import load_model
from components.parallel import share_accelerators
from components.reading import read_bytes
from pipeline.runs.served import model_folder, opened
from pipeline.serve.app import application
from pipeline.serve.current import Current
from pipeline.serve.desk import Desk
from pipeline.serve.limits import Limits

_TOKEN = range(16, 4097)
"""Characters."""
_SPARE_SECONDS = 5


def serve(
    model: Path,
    host: str,
    port: int,
    name: str,
    token_file: Path | None,
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
        host, port: where it listens.
        name: of the model, in paths.
        token_file: holds the token that requests must bear.
        limits: of a request.
        engine, precision, device, threads: as of `maskline predict`.
        say: told what happens.

    Raises:
        MasklineError: there is no such model; it listens beyond this machine, and has no token.
    """
    token = _token(token_file) if token_file else None
    # Also while a model is loaded.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    listening = _bound(host, port)
    if token is None and not _is_here(listening):
        raise UsageError(
            f"--host {host}: whoever reaches it could ask. Give --token-file FILE, with a secret of {_TOKEN.start} "
            "characters at least, such as `openssl rand -hex 32` prints, or listen on 127.0.0.1"
        )
    share_accelerators()
    with opened(model) as folder:
        form = chosen(folder, engine, precision, device or in_use())
        device = compute_on(device if form == TENSORFLOW else CPU, threads)
        load = partial(load_model, engine=engine, precision=precision)
        find = partial(model_folder, folder if model.is_file() else model)
        current = Current(find, load, say)
        desk = Desk(limits)
        app = application(current, desk, limits, name, token, say)
        where, by = _address(listening), " in ".join(parts_of(current.served.model.engine))
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


def _bound(host: str, port: int) -> socket.socket:
    """Nobody is heard before a server listens there."""
    try:
        family, kind, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        bound = socket.socket(family, kind)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
    except OSError as error:
        raise UsageError(
            f"--host {host} --port {port}: {error.strerror}. Give others; port 0 is any free one"
        ) from error
    return bound


def _address(bound: socket.socket) -> str:
    host, port = bound.getsockname()[:2]
    return f"http://{f'[{host}]' if bound.family == socket.AF_INET6 else host}:{port}"


def _is_here(bound: socket.socket) -> bool:
    return ipaddress.ip_address(bound.getsockname()[0]).is_loopback


def _token(file: Path) -> str:
    try:
        token = read_bytes(file, _TOKEN.stop).decode("ascii").strip()
    except (OSError, ValueError) as error:
        raise UsageError(f"--token-file {file}: cannot be read: {error}. Write the secret alone into it") from error
    if len(token) not in _TOKEN or not token.isprintable() or " " in token:
        raise UsageError(
            f"--token-file {file}: has {len(token)} characters, expected {_TOKEN.start} to {_TOKEN.stop - 1} without "
            "spaces, such as `openssl rand -hex 32` prints"
        )
    return token
