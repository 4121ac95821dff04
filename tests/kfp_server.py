"""A local server that speaks the v2beta1 REST API of Kubeflow Pipelines, as far as its official client is used.

What is sent to it must survive a round trip through the official models: a field that they do not know, or of a type
that they change, is refused. What it answers is made of the same models.
"""

from __future__ import annotations

import json
import re
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import kfp_server_api as models

Model = Any
API = models.ApiClient()
BEGIN = datetime(2026, 3, 1, 2, 0, tzinfo=UTC)
UNSET = datetime(1, 1, 1, tzinfo=UTC)
"""Servers write this for a moment that has not come."""


class Refused(Exception):
    def __init__(self, status: int, message: str) -> None:
        self.status, self.message = status, message


@dataclass
class Fault:
    """What goes wrong with the next `times` requests that match; `late`: after the request has had its effect."""

    method: str
    path: str
    status: int = 500
    times: int = 1
    late: bool = False
    drops: bool = False
    seconds: float = 0
    page: str = ""


@dataclass
class Server:
    """The state of the cluster. Lists of official models, in the order in which they were made."""

    token: str = ""
    namespace: str = ""
    page_limit: int = 100
    filters: bool = True
    """Some proxies and old servers drop the filter of a query."""
    experiments: list[Model] = field(default_factory=list)
    pipelines: list[Model] = field(default_factory=list)
    versions: list[Model] = field(default_factory=list)
    runs: list[Model] = field(default_factory=list)
    recurring: list[Model] = field(default_factory=list)
    packages: dict[str, str] = field(default_factory=dict)
    progress: list[dict[str, Any]] = field(default_factory=list)
    """Fields of the run at its first, second, ... look; the last one stays."""
    faults: list[Fault] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    endpoint: str = ""

    def count(self, pattern: str) -> int:
        return sum(bool(re.fullmatch(pattern, request)) for request in self.requests)

    def moment(self) -> datetime:
        made = (self.experiments, self.pipelines, self.versions, self.runs, self.recurring)
        return BEGIN + timedelta(minutes=sum(map(len, made)))

    def add_run(self, **fields: Any) -> Model:
        run = models.V2beta1Run(
            run_id=f"run-{len(self.runs)}",
            created_at=self.moment(),
            finished_at=UNSET,
            **{"state": "PENDING", **fields},
        )
        self.runs.append(run)
        return run


@contextmanager
def serving(**settings: Any) -> Iterator[Server]:
    """The server, on a port of its own."""
    server = Server(**settings)
    handler = type("Handler", (_Handler,), {"state": server})
    with _Listener(("127.0.0.1", 0), handler) as listener:
        thread = threading.Thread(target=listener.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        server.endpoint = f"http://127.0.0.1:{listener.server_port}"
        try:
            yield server
        finally:
            listener.shutdown()
            thread.join()


def checked(body: bytes, model: str) -> Model:
    """The request's body as an official model, whole."""
    sent = json.loads(body)
    read = API.deserialize(SimpleNamespace(data=body), model)
    again = API.sanitize_for_serialization(read)
    if _plain(again) != _plain(sent):
        raise Refused(400, f"not a {model}: sent {_plain(sent)}, understood {_plain(again)}")
    return read


def _plain(value: Any) -> Any:
    """Without nulls, and numbers as text: the protocol takes 64-bit integers both ways."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return str(value)


class _Listener(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients may go before they have their answer."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    state: Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_: Any) -> None:
        pass

    def do_GET(self) -> None:
        self._answer()

    do_POST = do_DELETE = do_GET

    def _answer(self) -> None:
        parts = urlsplit(self.path)
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        path = parts.path.removeprefix("/apis/v2beta1/")
        self.state.requests.append(f"{self.command} {path}")
        fault = next((f for f in self.state.faults if f.times and f.method == self.command and f.path == path), None)
        if fault:
            fault.times -= 1
            time.sleep(fault.seconds)
        status, answer = self._outcome(path, query, body) if not fault or fault.late else (fault.status, "")
        if fault and fault.drops:
            self.close_connection = True
            return
        if fault:
            status, answer = (
                fault.status,
                models.GooglerpcStatus(code=13, message=f"planted {self.headers['authorization']}"),
            )
        text = (fault.page if fault and fault.page else json.dumps(API.sanitize_for_serialization(answer))).encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/html" if fault and fault.page else "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def _outcome(self, path: str, query: dict[str, str], body: bytes) -> tuple[int, Any]:
        try:
            self._check_caller(query)
            for method, pattern, handle in ROUTES:
                match = re.fullmatch(pattern, path)
                if match and method == self.command:
                    return 200, handle(self, query, body, *match.groups())
            raise Refused(404, f"no such path: {self.command} {path}")
        except Refused as error:
            return error.status, models.GooglerpcStatus(code=3, message=error.message)

    def _check_caller(self, query: dict[str, str]) -> None:
        if self.state.token and self.headers["authorization"] != f"Bearer {self.state.token}":
            raise Refused(401, "request not authenticated")
        if query.get("namespace", self.state.namespace) != self.state.namespace:
            raise Refused(403, f"user may not look into namespace {query['namespace']}")

    def _page(self, items: list[Model], query: dict[str, str], kind: type, name: str) -> Model:
        wanted = [p["stringValue"] for p in json.loads(query.get("filter") or '{"predicates": []}')["predicates"]]
        if wanted and self.state.filters:
            items = [item for item in items if item.display_name == wanted[0]]
        if query.get("sort_by") == "created_at desc":
            items = items[::-1]
        begin = int(query.get("page_token") or 0)
        end = begin + min(int(query.get("page_size") or 10), self.state.page_limit)
        return kind(**{name: items[begin:end], "next_page_token": str(end) if end < len(items) else None})

    def experiments(self, query: dict[str, str], body: bytes) -> Model:
        return self._page(self.state.experiments, query, models.V2beta1ListExperimentsResponse, "experiments")

    def create_experiment(self, query: dict[str, str], body: bytes) -> Model:
        made = checked(body, "V2beta1Experiment")
        self._refuse_twin(self.state.experiments, made.display_name)
        made.experiment_id = f"experiment-{len(self.state.experiments)}"
        self.state.experiments.append(made)
        return made

    def pipelines(self, query: dict[str, str], body: bytes) -> Model:
        return self._page(self.state.pipelines, query, models.V2beta1ListPipelinesResponse, "pipelines")

    def create_pipeline(self, query: dict[str, str], body: bytes) -> Model:
        made = checked(body, "V2beta1Pipeline")
        self._refuse_twin(self.state.pipelines, made.display_name)
        made.pipeline_id = f"pipeline-{len(self.state.pipelines)}"
        self.state.pipelines.append(made)
        return made

    def versions(self, query: dict[str, str], body: bytes, pipeline: str) -> Model:
        items = [version for version in self.state.versions if version.pipeline_id == pipeline]
        return self._page(items, query, models.V2beta1ListPipelineVersionsResponse, "pipeline_versions")

    def upload_version(self, query: dict[str, str], body: bytes) -> Model:
        form = message_from_bytes(f"Content-Type: {self.headers['Content-Type']}\r\n\r\n".encode() + body, policy=HTTP)
        [part] = form.iter_parts()
        if part.get_param("name", header="content-disposition") != "uploadfile":
            raise Refused(400, "no uploadfile")
        self._find(self.state.pipelines, "pipeline_id", query["pipelineid"])
        self._refuse_twin([v for v in self.state.versions if v.pipeline_id == query["pipelineid"]], query["name"])
        made = models.V2beta1PipelineVersion(
            pipeline_id=query["pipelineid"],
            pipeline_version_id=f"version-{len(self.state.versions)}",
            display_name=query["name"],
        )
        self.state.versions.append(made)
        self.state.packages[made.pipeline_version_id] = part.get_payload(decode=True).decode()
        return made

    def runs(self, query: dict[str, str], body: bytes) -> Model:
        items = [run for run in self.state.runs if run.experiment_id == query["experiment_id"]]
        return self._page(items, query, models.V2beta1ListRunsResponse, "runs")

    def create_run(self, query: dict[str, str], body: bytes) -> Model:
        sent = checked(body, "V2beta1Run")
        self._check_references(sent)
        fields = {key: value for key in sent.openapi_types if (value := getattr(sent, key)) is not None}
        return self.state.add_run(**fields)

    def run(self, query: dict[str, str], body: bytes, run_id: str) -> Model:
        run = self._find(self.state.runs, "run_id", run_id)
        for key, value in (self.state.progress[0] if self.state.progress else {}).items():
            setattr(run, key, value)
        self.state.progress[:-1] = self.state.progress[1:-1]
        return run

    def recurring(self, query: dict[str, str], body: bytes) -> Model:
        items = [item for item in self.state.recurring if item.experiment_id == query["experiment_id"]]
        return self._page(items, query, models.V2beta1ListRecurringRunsResponse, "recurring_runs")

    def create_recurring(self, query: dict[str, str], body: bytes) -> Model:
        made = checked(body, "V2beta1RecurringRun")
        self._check_references(made)
        if len(made.trigger.cron_schedule.cron.split()) != 6:
            raise Refused(400, "Schedule cron is not a supported format")
        made.recurring_run_id = f"recurring-{self.state.count('POST recurringruns')}"
        self.state.recurring.append(made)
        return made

    def delete_recurring(self, query: dict[str, str], body: bytes, recurring_run_id: str) -> Model:
        self.state.recurring.remove(self._find(self.state.recurring, "recurring_run_id", recurring_run_id))
        return {}

    def _check_references(self, item: Model) -> None:
        reference = item.pipeline_version_reference
        self._find(self.state.experiments, "experiment_id", item.experiment_id)
        version = self._find(self.state.versions, "pipeline_version_id", reference.pipeline_version_id)
        if version.pipeline_id != reference.pipeline_id:
            raise Refused(400, "the version is another pipeline's")

    @staticmethod
    def _find(items: list[Model], key: str, value: str) -> Model:
        for item in items:
            if getattr(item, key) == value:
                return item
        raise Refused(404, f"no {key} {value}")

    @staticmethod
    def _refuse_twin(items: list[Model], name: str) -> None:
        if any(item.display_name == name for item in items):
            raise Refused(409, f"{name} already exists")


ROUTES: list[tuple[str, str, Callable[..., Any]]] = [
    ("GET", "experiments", _Handler.experiments),
    ("POST", "experiments", _Handler.create_experiment),
    ("GET", "pipelines", _Handler.pipelines),
    ("POST", "pipelines", _Handler.create_pipeline),
    ("GET", "pipelines/([^/]+)/versions", _Handler.versions),
    ("POST", "pipelines/upload_version", _Handler.upload_version),
    ("GET", "runs", _Handler.runs),
    ("POST", "runs", _Handler.create_run),
    ("GET", "runs/([^/]+)", _Handler.run),
    ("GET", "recurringruns", _Handler.recurring),
    ("POST", "recurringruns", _Handler.create_recurring),
    ("DELETE", "recurringruns/([^/]+)", _Handler.delete_recurring),
]
