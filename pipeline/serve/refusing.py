"""How what is not answered is told, all in one form: `{"error": "..."}`, as TensorFlow Serving has it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from components.brief import brief
from pipeline.serve.limits import Refusal


class Fault(BaseModel):
    error: str


REFUSED: dict[int | str, dict[str, Any]] = {
    401: {"model": Fault, "description": "No token, or another"},
    413: {"model": Fault, "description": "Too large"},
    422: {"model": Fault, "description": "Not what is expected"},
    429: {"model": Fault, "description": "Too many at once"},
    500: {"model": Fault, "description": "The model has no answer"},
    503: {"model": Fault, "description": "Not in time"},
}


async def _refused(_: Request, refusal: Any) -> Response:
    return JSONResponse({"error": refusal.sentence}, refusal.status, dict(refusal.headers))


async def _not_there(request: Request, error: Any) -> Response:
    told = f"{request.method} {request.url.path}: {error.detail}. /openapi.json lists what there is"
    return JSONResponse({"error": told}, error.status_code, error.headers)


async def _invalid(_: Request, error: Any) -> Response:
    first = error.errors()[0]
    return JSONResponse({"error": f"{first['loc'][-1]}: {first['msg']}"}, 422)


def broken(say: Callable[[str], None]) -> Callable[[Request, Exception], Awaitable[Response]]:
    """What nobody has foreseen."""

    async def broken(request: Request, error: Exception) -> Response:
        say(brief(f"{request.url.path}: {type(error).__name__}: {error}"))
        return JSONResponse({"error": "this server has failed; its log says how"}, 500)

    return broken


async def _gone(*_: Any) -> Response:
    return Response(status_code=400)


HANDLERS = {
    Refusal: _refused,
    HTTPException: _not_there,
    RequestValidationError: _invalid,
    ClientDisconnect: _gone,
}
