"""The paths of the server: TensorFlow Serving's, KServe's, Prometheus's, and the page."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, Query, Request, Response
from fastapi.responses import PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST

from pipeline.serve import kserve, tf_serving
from pipeline.serve.answering import answer
from pipeline.serve.current import Current, Served
from pipeline.serve.desk import Desk
from pipeline.serve.limits import Limits, Refusal
from pipeline.serve.metrics import Metrics
from pipeline.serve.receiving import bearing_token, body_of, drained, from_here
from pipeline.serve.refusing import HANDLERS, REFUSED, broken
from pipeline.serve.shown import Shown, shown

_PAGE = Path(__file__).parent / "page"
_FILES = {
    "/": ("index.html", "text/html"),
    "/page.css": ("page.css", "text/css"),
    "/page.js": ("page.js", "text/javascript"),
}
_PAGE_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' blob: data:; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_VERSION = "Model-Version"


def application(
    current: Current, desk: Desk, limits: Limits, name: str, token: str | None, say: Callable[[str], None]
) -> Any:
    """An ASGI application.

    Args:
        current: what answers.
        desk: where requests wait.
        limits: of a request.
        name: of the model, in paths.
        token: that requests must bear; health and the files of the page are everybody's.
        say: told of what nobody has foreseen.
    """
    app = FastAPI(title="Maskline", version=version("maskline"), docs_url=None, redoc_url=None)
    for error, handler in HANDLERS.items():
        app.add_exception_handler(error, handler)
    app.add_exception_handler(Exception, broken(say))
    metrics = Metrics(current, desk)
    app.include_router(_health(name))
    guarded = [Depends(bearing_token(token) if token else from_here)]
    app.include_router(_known(current, name, metrics), dependencies=guarded)
    app.include_router(_answers(current, desk, limits, name), dependencies=guarded)
    for path, (file, kind) in _FILES.items():
        app.add_api_route(path, _page(file, kind), include_in_schema=False)
    return metrics.watched(app)


def _health(name: str) -> APIRouter:
    """It listens as soon as a model answers, so that who hears it is ready."""
    router = APIRouter(tags=["health"])
    router.add_api_route("/v2", lambda: kserve.Server(), response_model=kserve.Server)
    router.add_api_route("/v2/health/live", lambda: kserve.Live(), response_model=kserve.Live)
    router.add_api_route("/v2/health/ready", lambda: kserve.Ready(), response_model=kserve.Ready)
    ready = kserve.ModelReady(name=name)
    router.add_api_route(f"/v2/models/{name}/ready", lambda: ready, response_model=kserve.ModelReady)
    return router


def _known(current: Current, name: str, metrics: Metrics) -> APIRouter:
    router = APIRouter(tags=["metadata"], responses={status: REFUSED[status] for status in (401, 403)})

    @router.get(f"/v2/models/{name}")
    def metadata() -> kserve.Metadata:
        return kserve.metadata(name, current.served)

    @router.get(f"/v1/models/{name}")
    def status() -> tf_serving.Status:
        return tf_serving.status(current.served.version, current.fault)

    @router.get("/metrics", response_class=PlainTextResponse)
    def told() -> Response:
        return Response(metrics.text(), media_type=CONTENT_TYPE_LATEST)

    return router


def _answers(current: Current, desk: Desk, limits: Limits, name: str) -> APIRouter:
    router = APIRouter(tags=["answers"], responses=REFUSED)

    async def done(request: Request, work: Callable[[Served, bytes], Any]) -> Response:
        def answered(body: bytes) -> tuple[str, bytes]:
            # The same one from here on, whatever takes its place meanwhile.
            served = current.served
            with current.deadline.after(limits.seconds):
                return served.version, json.dumps(work(served, body)).encode()

        try:
            by, content = await desk.do(partial(body_of, request, limits.bytes), answered)
        except Refusal:
            await drained(request)
            raise
        return Response(content, media_type="application/json", headers={_VERSION: by})

    asked = {"required": True, "content": {"application/json": {"schema": tf_serving.REQUEST}}}

    @router.post(f"/v1/models/{name}:predict", response_model=tf_serving.Answers, openapi_extra={"requestBody": asked})
    async def predict(request: Request) -> Response:
        def work(served: Served, body: bytes) -> tf_serving.Answers:
            return tf_serving.answered(body, lambda file: answer(served, file, limits))

        return await done(request, work)

    file = {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }

    @router.post("/answer", response_model=Shown, openapi_extra={"requestBody": file})
    async def shown_answer(request: Request, threshold: Annotated[float | None, Query(gt=0, lt=1)] = None) -> Response:
        def work(served: Served, body: bytes) -> Shown:
            found = answer(served, body, limits, threshold)
            return shown(found, served.version, threshold or served.model.point.threshold)

        return await done(request, work)

    return router


def _page(file: str, kind: str) -> Callable[[], Response]:
    content = (_PAGE / file).read_bytes()
    return lambda: Response(content, media_type=kind, headers=_PAGE_HEADERS)
