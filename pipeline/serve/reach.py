"""Where a server listens, and whom it hears there."""

from __future__ import annotations

import ipaddress
import socket
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from components.errors import UsageError
from components.reading import read_bytes

_BACKLOG = 2048
_TOKEN = range(16, 4097)
"""Characters."""
_SECRET = f"a secret of {_TOKEN.start} characters at least, such as `openssl rand -hex 32` prints"


def listening(host: str, port: int, token: str | None) -> socket.socket:
    """Nobody else listens there; whoever comes waits for a server.

    Raises:
        UsageError: it cannot be; or who is beyond this machine could ask, and needs no token.
    """
    bound = _bound(host, port)
    if token is None and not _is_here(bound):
        bound.close()
        raise UsageError(
            f"--host {host!r}: whoever reaches it could ask. Give --token-file FILE, with {_SECRET}, "
            "or listen on 127.0.0.1"
        )
    return bound


def token_in(file: Path) -> str:
    try:
        token = read_bytes(file, _TOKEN.stop).decode("ascii").strip()
    except (OSError, ValueError) as error:
        raise UsageError(f"--token-file {file}: cannot be read: {error}. Write the secret alone into it") from error
    if len(token) not in _TOKEN or not token.isprintable() or " " in token:
        raise UsageError(
            f"--token-file {file}: has {len(token)} characters, expected {_SECRET}, without spaces, "
            f"and {_TOKEN.stop - 1} at most"
        )
    return token


def address(bound: socket.socket) -> str:
    host, port = bound.getsockname()[:2]
    return f"http://{f'[{host}]' if bound.family == socket.AF_INET6 else host}:{port}"


def _bound(host: str, port: int) -> socket.socket:
    try:
        family, kind, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        bound = socket.socket(family, kind)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
        # Two that are bound alone do not notice each other. Who comes before the model is loaded waits.
        bound.listen(_BACKLOG)
    except OSError as error:
        raise UsageError(
            f"--host {host!r} --port {port}: {error.strerror}. Give others; port 0 is any free one"
        ) from error
    return bound


def _is_here(bound: socket.socket) -> bool:
    return ipaddress.ip_address(bound.getsockname()[0]).is_loopback


def is_own(host: str, origin: str | None) -> bool:
    """Whether a request of these headers comes from this machine's own programs and page: where no token is asked for,
    any page that somebody opens could ask as well, and under a name that leads here read the answer."""
    name = urlsplit(f"//{host}").hostname or ""
    return _is_loopback(name) and origin in (None, f"http://{host}")


def _is_loopback(name: str) -> bool:
    with suppress(ValueError):
        return name == "localhost" or ipaddress.ip_address(name).is_loopback
    return False
