"""How what is not answered is told, all in one form: `{"error": "..."}`, as TensorFlow Serving has it."""

from __future__ import annotations

import json
import traceback
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from pipeline.serve.limits import Refusal


class Fault(BaseModel):
    error: str


REFUSED: dict[int | str, dict[str, Any]] = {
    401: {"model": Fault, "description": "No token, or another"},
    403: {"model": Fault, "description": "From elsewhere"},
    413: {"model": Fault, "description": "Too large"},
    422: {"model": Fault, "description": "Not what is expected"},
    429: {"model": Fault, "description": "Too many at once"},
    500: {"model": Fault, "description": "The model has no answer"},
    503: {"model": Fault, "description": "Not in time"},
}


def _told(sentence: str, status: int, headers: Mapping[str, str] | None = None) -> Response:
    # In ASCII: what somebody has sent may be no text.
    return Response(json.dumps({"error": sentence}), status, dict(headers or {}), "application/json")


async def _refused(_: Request, refusal: Any) -> Response:
    return _told(refusal.sentence, refusal.status, refusal.headers)


async def _not_there(request: Request, error: Any) -> Response:
    told = f"{request.method} {request.url.path}: {error.detail}. /openapi.json lists what there is"
    return _told(told, error.status_code, error.headers)


async def _invalid(_: Request, error: Any) -> Response:
    first = error.errors()[0]
    return _told(f"{first['loc'][-1]}: {first['msg']}", 422)


def broken(say: Callable[[str], None]) -> Callable[[Request, Exception], Awaitable[Response]]:
    """What nobody has foreseen."""

    async def broken(request: Request, error: Exception) -> Response:
        say(f"{request.url.path}: {''.join(traceback.format_exception(error)).rstrip()}")
        return _told("this server has failed; its log says how", 500)

    return broken


async def _gone(*_: Any) -> Response:
    return Response(status_code=400)


HANDLERS = {
    Refusal: _refused,
    HTTPException: _not_there,
    RequestValidationError: _invalid,
    ClientDisconnect: _gone,
}
