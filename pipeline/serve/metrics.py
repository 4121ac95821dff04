"""What Prometheus is told."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from typing import Any

from prometheus_client import (
    CollectorRegistry,
    Counter,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from pipeline.serve.current import Current
from pipeline.serve.desk import Desk

_SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_Scope = MutableMapping[str, Any]
_Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
_Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
_App = Callable[[_Scope, _Receive, _Send], Awaitable[None]]


class _State(Collector):
    """What is so at the moment."""

    def __init__(self, current: Current, desk: Desk) -> None:
        self._current, self._desk = current, desk

    def collect(self) -> Iterator[Metric]:
        version = {"version": self._current.served.version}
        yield InfoMetricFamily("maskline_model", "The version that is served.", version)
        yield GaugeMetricFamily("maskline_inside", "Requests that wait or are worked on.", self._desk.inside)
        refused = "Whether another version should be served, and cannot be."
        yield GaugeMetricFamily("maskline_version_refused", refused, bool(self._current.fault))


class Metrics:
    """Of one server."""

    def __init__(self, current: Current, desk: Desk) -> None:
        self._registry = CollectorRegistry()
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self._registry)
        self._requests = Counter(
            "maskline_requests", "Requests by path and status.", ["path", "status"], registry=self._registry
        )
        self._seconds = Histogram(
            "maskline_request_seconds",
            "From a request to its answer.",
            ["path"],
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._registry.register(_State(current, desk))

    def text(self) -> bytes:
        """In Prometheus's own format."""
        return generate_latest(self._registry)

    def watched(self, app: _App) -> _App:
        """An application of which each answer is counted, by the route that has given it."""

        async def watched(scope: _Scope, receive: _Receive, send: _Send) -> None:
            if scope["type"] != "http":
                return await app(scope, receive, send)
            started, status = time.monotonic(), 500

            async def noted(message: MutableMapping[str, Any]) -> None:
                nonlocal status
                if message["type"] == "http.response.start":
                    status = message["status"]
                await send(message)

            try:
                await app(scope, receive, noted)
            finally:
                # Not of whatever somebody may ask for: each would be kept.
                path = getattr(scope.get("route"), "path", "none")
                self._requests.labels(path, status).inc()
                self._seconds.labels(path).observe(time.monotonic() - started)
            return None

        return watched
