"""What Maskline does on a cluster: experiments, versions, runs and recurring runs, each found or made.

Imports kfp: import this module only where a cluster is talked to.
"""

from __future__ import annotations

import hashlib
import io
import json
import time
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass
from importlib.metadata import version as version_of
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import tenacity
from kfp_server_api import V2beta1Experiment, V2beta1Pipeline

from pipeline.kubeflow.cluster.api import Conflict, Unavailable, connect
from pipeline.kubeflow.cluster.connection import Connection
from pipeline.kubeflow.spec.package import Package, to_yaml

ATTEMPTS = 6
PAGE = 100

Result = TypeVar("Result")


@dataclass(frozen=True)
class Timer:
    """Seconds pass here; tests bring their own."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


@dataclass(frozen=True)
class Version:
    """An uploaded pipeline: ids of the pipeline and of its version, and the version's name."""

    pipeline_id: str
    version_id: str
    name: str


class Cluster:
    """Each method is one operation that can be repeated: it looks for its own result before it makes one.

    Raises:
        ClusterError: the cluster refuses, or cannot be reached in ATTEMPTS attempts within about a minute.
    """

    def __init__(self, connection: Connection, timer: Timer, say: Callable[[str], None]) -> None:
        """`say` is told of every failed attempt."""
        self.connection = connection
        self.timer = timer
        self._client = connect(connection)
        self._say = say

    def experiment(self, name: str) -> str:
        """Id of the experiment of that name, made where there is none."""

        def create() -> Any:
            body = V2beta1Experiment(display_name=name, namespace=self._namespace)
            return self._client.experiments.experiment_service_create_experiment(body)

        found = self._repeated(lambda: self._found_or_made(lambda: self._experiment(name), create))
        return found.experiment_id

    def upload(self, name: str, package: Package) -> Version:
        """The version of pipeline `name` with these contents, named by their digest: equal ones are one version."""
        text = to_yaml(package)
        version = f"maskline-{version_of('maskline')}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"

        def attempt() -> Version:
            body = V2beta1Pipeline(display_name=name, namespace=self._namespace)
            pipeline = self._found_or_made(
                lambda: self._pipeline(name), lambda: self._client.pipelines.pipeline_service_create_pipeline(body)
            ).pipeline_id
            uploaded = self._found_or_made(
                lambda: self._named(
                    version, self._client.list_pipeline_versions, "pipeline_versions", pipeline_id=pipeline
                ),
                lambda: self._uploaded(text, version, pipeline),
            )
            return Version(pipeline, uploaded.pipeline_version_id, version)

        return self._repeated(attempt)

    def start(self, name: str, experiment: str, version: Version, pipeline_root: str) -> Any:
        """The run of that name, which must be new, once: a repeated attempt finds what a lost answer had started."""

        def find() -> Any:
            return self._named(name, self._client.list_runs, "runs", experiment_id=experiment)

        def create() -> Any:
            return self._client.run_pipeline(
                experiment,
                name,
                pipeline_id=version.pipeline_id,
                version_id=version.version_id,
                pipeline_root=pipeline_root or None,
            )

        return self._repeated(lambda: self._found_or_made(find, create))

    def run(self, run_id: str) -> Any:
        """The run as it is now."""
        return self._repeated(lambda: self._client.get_run(run_id))

    def runs(self, experiment: str, pipeline: str | None, limit: int) -> list[Any]:
        """The newest runs of an experiment, newest first; of one pipeline, by name, where one is given."""

        def attempt() -> list[Any]:
            found, only = self._experiment(experiment), self._pipeline(pipeline) if pipeline else None
            if not found or (pipeline and not only):
                return []
            runs = self._pages(
                self._client.list_runs, "runs", experiment_id=found.experiment_id, sort_by="created_at desc"
            )
            chosen = (run for run in runs if not only or _pipeline_of(run) == only.pipeline_id)
            return [run for run, _ in zip(chosen, range(limit), strict=False)]

        return self._repeated(attempt)

    def schedule(self, name: str, cron: str, experiment: str, version: Version, pipeline_root: str) -> tuple[Any, int]:
        """The recurring run of that name, in place of any earlier ones, and how many those were.

        The new one is made first: whatever fails, there is a schedule.
        """
        made: list[Any] = []

        def attempt() -> tuple[Any, int]:
            if not made:
                made.append(
                    self._client.create_recurring_run(
                        experiment,
                        name,
                        cron_expression=cron,
                        max_concurrency=1,
                        no_catchup=True,
                        pipeline_id=version.pipeline_id,
                        version_id=version.version_id,
                        pipeline_root=pipeline_root or None,
                    )
                )
            [new] = made
            return new, self._deleted(name, experiment, keep=new.recurring_run_id)

        return self._repeated(attempt)

    def unschedule(self, name: str, experiment: str) -> int:
        """Deletes the recurring runs of that name; how many there were."""

        def attempt() -> int:
            found = self._experiment(experiment)
            return self._deleted(name, found.experiment_id) if found else 0

        return self._repeated(attempt)

    @property
    def _namespace(self) -> str | None:
        return self.connection.namespace or None

    def _experiment(self, name: str) -> Any:
        return self._named(name, self._client.list_experiments, "experiments", namespace=self._namespace)

    def _pipeline(self, name: str) -> Any:
        return self._named(name, self._client.list_pipelines, "pipelines", namespace=self._namespace)

    def _uploaded(self, text: str, version: str, pipeline_id: str) -> Any:
        with TemporaryDirectory() as folder:
            file = Path(folder) / "pipeline.yaml"
            file.write_text(text, encoding="utf-8")
            return self._client.upload_pipeline_version(str(file), version, pipeline_id=pipeline_id)

    def _deleted(self, name: str, experiment: str, keep: str = "") -> int:
        listed = self._pages(
            self._client.list_recurring_runs, "recurring_runs", experiment_id=experiment, filter=_equals(name)
        )
        old = [one.recurring_run_id for one in listed if one.display_name == name and one.recurring_run_id != keep]
        for recurring_run_id in old:
            self._client.delete_recurring_run(recurring_run_id)
        return len(old)

    def _named(self, name: str, listing: Callable[..., Any], field: str, **query: Any) -> Any:
        pages = self._pages(listing, field, filter=_equals(name), **query)
        return next((one for one in pages if one.display_name == name), None)

    def _pages(self, listing: Callable[..., Any], field: str, **query: Any) -> Iterator[Any]:
        token = ""
        while True:
            page = listing(page_token=token, page_size=PAGE, **query)
            yield from getattr(page, field) or []
            token = page.next_page_token
            if not token:
                return

    def _found_or_made(self, find: Callable[[], Any], make: Callable[[], Any]) -> Any:
        found = find()
        if found:
            return found
        try:
            return make()
        except Conflict:
            found = find()
            if not found:
                raise
            return found

    def _repeated(self, operation: Callable[[], Result]) -> Result:
        attempts = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(Unavailable),
            stop=tenacity.stop_after_attempt(ATTEMPTS),
            wait=tenacity.wait_exponential(multiplier=2, max=30),
            sleep=self.timer.sleep,
            before_sleep=self._say_why,
            reraise=True,
        )
        with redirect_stdout(io.StringIO()):  # The client prints links.
            return attempts(operation)

    def _say_why(self, state: tenacity.RetryCallState) -> None:
        assert state.outcome
        assert state.next_action
        self._say(f"{state.outcome.exception()}; again in {state.next_action.sleep:.0f} s")


def _equals(name: str) -> str:
    return json.dumps({"predicates": [{"operation": "EQUALS", "key": "display_name", "stringValue": name}]})


def _pipeline_of(run: Any) -> str | None:
    return run.pipeline_version_reference and run.pipeline_version_reference.pipeline_id
