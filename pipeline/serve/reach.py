"""Where a server listens, and whom it hears there."""

from __future__ import annotations

import ipaddress
import socket
from pathlib import Path

from components.errors import UsageError
from components.reading import read_bytes

_TOKEN = range(16, 4097)
"""Characters."""
_SECRET = f"a secret of {_TOKEN.start} characters at least, such as `openssl rand -hex 32` prints"


def listening(host: str, port: int, token: str | None) -> socket.socket:
    """Bound, so that nobody else can be; nobody is heard before a server listens.

    Raises:
        UsageError: it cannot be; or who is beyond this machine could ask, and needs no token.
    """
    bound = _bound(host, port)
    if token is None and not _is_here(bound):
        bound.close()
        raise UsageError(
            f"--host {host}: whoever reaches it could ask. Give --token-file FILE, with {_SECRET}, "
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
    except OSError as error:
        raise UsageError(
            f"--host {host} --port {port}: {error.strerror}. Give others; port 0 is any free one"
        ) from error
    return bound


def _is_here(bound: socket.socket) -> bool:
    return ipaddress.ip_address(bound.getsockname()[0]).is_loopback
