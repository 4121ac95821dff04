"""What comes in: the token, and a body of so many bytes."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.requests import ClientDisconnect

from pipeline.serve.limits import Refusal
from pipeline.serve.reach import is_own

_DRAIN_SECONDS = 10


def bearing_token(token: str) -> Callable[..., Awaitable[None]]:
    async def bearing(
        request: Request, given: Annotated[HTTPAuthorizationCredentials | None, Depends(HTTPBearer(auto_error=False))]
    ) -> None:
        if given is None or not hmac.compare_digest(given.credentials.encode(), token.encode()):
            await drained(request)
            raise Refusal(401, "no token, or another: send Authorization: Bearer TOKEN", {"WWW-Authenticate": "Bearer"})

    return bearing


async def from_here(request: Request) -> None:
    """Raises Refusal: it is not `is_own`."""
    if not is_own(request.headers.get("host", ""), request.headers.get("origin")):
        await drained(request)
        raise Refusal(403, "without a token this machine's own programs alone are answered: ask 127.0.0.1 or localhost")


async def body_of(request: Request, most: int) -> bytes:
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > most:
            raise Refusal(413, f"the request has more than the {most} bytes that are taken here")
    return bytes(content)


async def drained(request: Request) -> None:
    """Reads on for a while: who is still sending does not hear what is said."""
    with suppress(RuntimeError, ClientDisconnect, TimeoutError):
        async with asyncio.timeout(_DRAIN_SECONDS):
            async for _ in request.stream():
                pass
