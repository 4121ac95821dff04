"""Submitting, following, listing and scheduling runs, over HTTP against a server that speaks Kubeflow's API."""

from __future__ import annotations

import io
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import kfp_server_api as models
import pytest
import yaml
from kfp_server import BEGIN, UNSET, Fault, Server, serving
from pydantic import SecretStr

from components.errors import MasklineError, UsageError
from pipeline.config.loader import load_config
from pipeline.config.root import Config
from pipeline.kubeflow.cluster import api, submit
from pipeline.kubeflow.cluster.api import ClusterError, Unavailable
from pipeline.kubeflow.cluster.client import Cluster
from pipeline.kubeflow.cluster.connection import Connection
from pipeline.kubeflow.cluster.listing import listed
from pipeline.kubeflow.cluster.record import ClusterRun
from pipeline.kubeflow.cluster.wait import wait
from pipeline.kubeflow.spec.package import Package
from pipeline.runs.console import RunConsole

TOKEN = "eyJhbGciOi.secret-of-the-test"
TASKS: dict[str, Any] = {"ImageMaskExampleGen": {}, "StatisticsGen": {}, "DataGate": {}, "Trainer": {}, "Pusher": {}}
SPEC = {"pipelineInfo": {"name": "demo"}, "schemaVersion": "2.1.0", "text": "ü: #", "root": {"dag": {"tasks": TASKS}}}
PACKAGE = Package(SPEC, {"platforms": {}})


@dataclass
class FakeClock:
    time: float = 0
    naps: list[float] = field(default_factory=list)

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds
        self.naps.append(seconds)


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("KFP_ENDPOINT", "KFP_NAMESPACE", "KFP_TOKEN"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    with serving(token=TOKEN) as running:
        monkeypatch.setenv("KFP_ENDPOINT", running.endpoint)
        monkeypatch.setenv("KFP_TOKEN", TOKEN)
        yield running


@dataclass
class User:
    """Somebody at a terminal."""

    config: Config
    clock: FakeClock = field(default_factory=FakeClock)
    screen: io.StringIO = field(default_factory=io.StringIO)

    def __post_init__(self) -> None:
        self.console = RunConsole(self.screen)

    @property
    def cluster(self) -> Cluster:
        return submit.reach(self.config.kubeflow, self.console, self.clock)

    def submits(self, package: Package = PACKAGE, waits: bool = True, timeout: float | None = None) -> ClusterRun:
        return submit.submit("demo", self.config, package, self.cluster, self.console, waits, timeout)

    def schedules(self, fields: str = "0 0 2 * * *", name: str = "demo") -> dict[str, Any]:
        return submit.schedule(name, self.config, PACKAGE, fields, self.cluster, self.console)


@pytest.fixture
def user() -> User:
    return User(load_config("demo", ["kubeflow.pipeline_root=s3://store/maskline"]))


def task(name: str, state: str, seconds: int = 5, error: str = "") -> models.V2beta1PipelineTaskDetail:
    ended = state in ("SUCCEEDED", "FAILED", "SKIPPED", "CANCELED")
    return models.V2beta1PipelineTaskDetail(
        display_name=name,
        state=state,
        start_time=BEGIN,
        end_time=BEGIN + timedelta(seconds=seconds) if ended else UNSET,
        error=models.GooglerpcStatus(message=error) if error else None,
    )


def look(state: str, *tasks: models.V2beta1PipelineTaskDetail, error: str = "") -> dict[str, Any]:
    status = models.GooglerpcStatus(message=error) if error else None
    return {"state": state, "run_details": models.V2beta1RunDetails(task_details=list(tasks)), "error": status}


def test_a_recipe_becomes_a_run_of_an_uploaded_version(server: Server, user: User) -> None:
    server.progress = [look("SUCCEEDED")]
    record = user.submits()
    [experiment], [pipeline], [version], [run] = server.experiments, server.pipelines, server.versions, server.runs
    assert (experiment.display_name, pipeline.display_name) == ("maskline", "demo")
    assert (record.version, record.name) == (version.display_name, run.display_name)
    assert (record.id, record.state, record.exit_code) == (run.run_id, "SUCCEEDED", 0)
    assert run.runtime_config.pipeline_root == "s3://store/maskline"
    assert run.experiment_id == experiment.experiment_id
    uploaded = list(yaml.safe_load_all(server.packages[run.pipeline_version_reference.pipeline_version_id]))
    assert uploaded == [PACKAGE.spec, PACKAGE.platform]


def test_an_equal_pipeline_is_no_new_version(server: Server, user: User) -> None:
    first, second = user.submits(waits=False), user.submits(waits=False)
    other = user.submits(Package({**PACKAGE.spec, "text": "changed"}, {}), waits=False)
    assert first.version == second.version != other.version
    assert (len(server.pipelines), len(server.versions), len(server.runs)) == (1, 2, 3)
    assert len({first.name, second.name, other.name}) == 3
    assert server.count("GET runs/.*") == 0


def test_a_namespace_goes_with_what_is_made_and_looked_for(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(namespace="radiology") as server:
        monkeypatch.setenv("KFP_ENDPOINT", server.endpoint)
        monkeypatch.setenv("KFP_NAMESPACE", "radiology")
        user.submits(waits=False)
        assert {server.experiments[0].namespace, server.pipelines[0].namespace} == {"radiology"}
        monkeypatch.setenv("KFP_NAMESPACE", "surgery")
        with pytest.raises(ClusterError, match=r"'surgery' \(403\): user may not look .* KFP_TOKEN .* KFP_NAMESPACE"):
            user.submits(waits=False)


def test_a_wrong_token_is_told_once_and_not_shown(server: Server, user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KFP_TOKEN", "stale-token")
    with pytest.raises(ClusterError, match=rf"{server.endpoint}: not signed in \(401\): .*Set KFP_TOKEN") as raised:
        user.submits()
    assert len(server.requests) == 1
    assert user.clock.naps == []
    assert "stale-token" not in str(raised.value) + user.screen.getvalue()


def test_a_token_that_the_server_echoes_is_masked(server: Server, user: User) -> None:
    server.faults = [Fault("GET", "experiments", 400)]
    with pytest.raises(ClusterError, match=r"refused \(400\): planted Bearer \*\*\*$"):
        user.submits()


@pytest.mark.parametrize("path", ["experiments", "pipelines", "pipelines/upload_version"])
def test_what_another_made_meanwhile_is_used(server: Server, user: User, path: str) -> None:
    server.faults = [Fault("POST", path, 409, late=True)]
    user.submits(waits=False)
    assert [len(made) for made in (server.experiments, server.pipelines, server.versions, server.runs)] == [1, 1, 1, 1]


def test_a_conflict_with_something_that_is_not_there_is_an_error(server: Server, user: User) -> None:
    server.faults = [Fault("POST", "pipelines", 409)]
    with pytest.raises(ClusterError, match=r"there already \(409\)"):
        user.submits()


@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_a_server_that_fails_for_a_while_is_asked_again(server: Server, user: User, status: int) -> None:
    server.faults = [Fault("GET", "pipelines", status, times=3)]
    user.submits(waits=False)
    assert user.clock.naps == [2, 4, 8]
    assert f"fails for now ({status})" in user.screen.getvalue()
    assert "again in 8 s" in user.screen.getvalue()


def test_a_server_that_goes_on_failing_is_given_up(server: Server, user: User) -> None:
    server.faults = [Fault("GET", "experiments", 500, times=99)]
    with pytest.raises(Unavailable, match=rf"{server.endpoint}: fails for now \(500\)"):
        user.submits()
    assert user.clock.naps == [2, 4, 8, 16, 30]


@pytest.mark.parametrize("drops", [False, True])
@pytest.mark.parametrize("path", ["experiments", "pipelines", "pipelines/upload_version", "runs"])
def test_a_lost_answer_makes_nothing_twice(server: Server, user: User, path: str, drops: bool) -> None:
    server.faults = [Fault("POST", path, 504, late=True, drops=drops)]
    user.submits(waits=False)
    assert [len(made) for made in (server.experiments, server.pipelines, server.versions, server.runs)] == [1, 1, 1, 1]
    assert user.clock.naps == [2]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"message": "no such run"}', "no such run"),
        (b'{"message": {"code": 5}}', "{'code': 5}"),
        (b"[1]", "[1]"),
        (b"null", "null"),
        (b"[" * 5000, "["),
        (b"9" * 5000, "9"),
        (b"", "Broken"),
    ],
)
def test_whatever_a_server_says_is_said(body: bytes, said: str) -> None:
    error = models.ApiException(status=500, reason="Broken")
    error.body = body
    assert f"(500): {said}" in str(api._refusal(error, Connection("http://x", "", SecretStr(""))))


def test_a_closed_port_is_named(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{free.getsockname()[1]}"
    monkeypatch.setenv("KFP_ENDPOINT", endpoint)
    with pytest.raises(Unavailable, match=rf"{endpoint}: cannot be reached: .*refused.* Check KFP_ENDPOINT"):
        user.submits()
    assert len(user.clock.naps) == 5


def test_a_silent_server_is_not_waited_for_for_ever(
    server: Server, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api, "REQUEST_SECONDS", (0.5, 0.05))
    server.faults = [Fault("GET", "experiments", times=99, seconds=0.3)]
    with pytest.raises(Unavailable, match=r"timed out \(0.5 s to connect, 0.05 s to answer\)"):
        user.submits()


@pytest.mark.parametrize(("status", "page"), [(200, "<html>Sign in</html>"), (302, "")])
def test_a_login_page_is_not_an_answer(server: Server, user: User, status: int, page: str) -> None:
    server.faults = [Fault("GET", "experiments", status, page=page)]
    with pytest.raises(ClusterError, match=r"web page instead of the Kubeflow Pipelines API.* KFP_TOKEN"):
        user.submits()
    assert user.clock.naps == []


def test_nodes_are_shown_once_as_they_end(server: Server, user: User) -> None:
    driver = task("Trainer-driver", "SUCCEEDED")
    server.progress = [
        look("PENDING"),
        look("RUNNING", driver, task("StatisticsGen", "SUCCEEDED", 7), task("Trainer", "RUNNING")),
        look("RUNNING", driver, task("StatisticsGen", "SUCCEEDED", 7), task("Trainer", "RUNNING")),
        look("SUCCEEDED", driver, task("StatisticsGen", "SUCCEEDED", 7), task("Trainer", "SUCCEEDED", 90)),
    ]
    record = user.submits()
    lines = [line.split() for line in user.screen.getvalue().splitlines()]
    assert lines[1:-1] == [["✓", "StatisticsGen", "7.0", "s", "ran"], ["✓", "Trainer", "90.0", "s", "ran"]]
    assert [step.id for step in record.steps] == ["StatisticsGen", "Trainer"]
    assert user.clock.naps == [10, 10, 10]


@pytest.mark.parametrize(
    ("last", "code", "reason"),
    [
        (look("CANCELED", task("Trainer", "CANCELED")), 130, "Trainer: cancelled"),
        (look("FAILED", task("DataGate", "FAILED", error="launcher: exit status 4")), 4, "DataGate: launcher: exit"),
        (look("FAILED", error="DataGate: Error (exit code 4)"), 4, "DataGate: Error (exit code 4)"),
        (look("FAILED", task("Trainer", "FAILED", error="main: Error (exit code 1)")), 1, "Trainer: main: Error"),
        (look("FAILED", task("Trainer", "FAILED", error="OOMKilled (exit code 137)")), 1, "Trainer: OOMKilled"),
        (look("FAILED", task("Trainer", "FAILED", error="exit status 42")), 1, "Trainer: exit status 42"),
        (look("FAILED", task("DataGate", "FAILED", error="DataRefused (exit code 4): no film")), 4, "DataGate: DataR"),
        (look("FAILED", task("Pusher", "FAILED", error="exit status 3")), 1, "Pusher: exit status 3"),
        (look("FAILED"), 1, None),
        (look("SKIPPED"), 1, None),
    ],
)
def test_how_a_run_ended_is_the_exit_code(
    server: Server, user: User, last: dict[str, Any], code: int, reason: str | None
) -> None:
    server.progress = [look("RUNNING"), last]
    record = user.submits()
    assert (record.state, record.exit_code) == (last["state"], code)
    assert [text[: len(reason or "")] for text in record.reasons] == ([reason] if reason else [])


def test_a_failure_of_which_the_server_says_nothing_is_1_and_the_address_of_the_run(server: Server, user: User) -> None:
    """Released servers drop what Argo says of a node."""
    server.progress = [look("FAILED", task("ImageMaskExampleGen", "SUCCEEDED"), task("DataGate", "FAILED"))]
    record = user.submits()
    assert (record.exit_code, record.reasons) == (1, [])
    assert [step.state for step in record.steps] == ["ran", "failed"]
    assert user.screen.getvalue().splitlines()[-1] == f"Failed: {record.url}"


def test_a_run_that_lasts_too_long_is_left_alone(server: Server, user: User) -> None:
    server.progress = [look("RUNNING")]
    record = user.submits(timeout=25)
    assert (record.state, record.exit_code) == ("RUNNING", 124)
    assert "not ended after 25 s. The run goes on" in user.screen.getvalue()
    assert user.clock.naps == [10, 10, 5]
    assert len(server.runs) == 1


def test_a_run_that_ends_in_the_last_second_has_ended(server: Server, user: User) -> None:
    server.progress = [look("RUNNING"), look("SUCCEEDED")]
    assert user.submits(timeout=1).exit_code == 0


def test_a_token_that_expires_does_not_end_the_run(server: Server, user: User) -> None:
    started = user.submits(waits=False)
    server.token = "renewed"
    with pytest.raises(ClusterError, match=rf"KFP_TOKEN.* The run {started.id} goes on"):
        wait(user.cluster, started, (), None, user.console)


def test_an_interrupted_wait_says_that_the_run_goes_on(server: Server, user: User) -> None:
    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    user.clock.sleep = interrupt
    with pytest.raises(KeyboardInterrupt):
        user.submits()
    assert "the run run-0 goes on" in user.screen.getvalue()


def test_runs_are_listed_over_pages_newest_first(server: Server, user: User) -> None:
    server.page_limit = 3
    records = [user.submits(waits=False) for _ in range(8)]
    newest = [record.id for record in records[::-1]]
    assert [run.run_id for run in user.cluster.runs("maskline", None, 20)] == newest
    assert [run.run_id for run in user.cluster.runs("maskline", None, 4)] == newest[:4]
    assert user.cluster.runs("no such experiment", None, 4) == []
    assert len(server.experiments) == 1


def test_runs_of_another_experiment_are_not_listed(server: Server, user: User) -> None:
    user.submits(waits=False)
    other = User(load_config("demo", ["kubeflow.experiment=trials"]))
    trial = other.submits(waits=False)
    assert [run.run_id for run in user.cluster.runs("trials", None, 20)] == [trial.id]


def test_runs_of_one_recipe_are_those_of_its_pipeline(server: Server, user: User) -> None:
    submit.submit("mias", user.config, PACKAGE, user.cluster, user.console, False, None)
    only = user.submits(waits=False)
    assert [run.run_id for run in user.cluster.runs("maskline", "demo", 20)] == [only.id]
    assert user.cluster.runs("maskline", "bcss", 20) == []


def test_a_listed_run_has_its_times(server: Server, user: User) -> None:
    user.submits(waits=False)
    [waiting] = user.cluster.runs("maskline", None, 1)
    assert listed(waiting)["finished"] is None
    server.progress = [{"state": "FAILED", "finished_at": datetime(2026, 3, 2, tzinfo=UTC), "recurring_run_id": "x"}]
    ended = listed(user.cluster.run(waiting.run_id))
    assert (ended["state"], ended["finished"], ended["recurring"]) == ("FAILED", "2026-03-02T00:00:00+00:00", True)


def test_a_schedule_runs_one_at_a_time_and_catches_nothing_up(server: Server, user: User) -> None:
    record = user.schedules()
    [recurring] = server.recurring
    assert record["id"] == recurring.recurring_run_id
    assert recurring.trigger.cron_schedule.cron == "0 0 2 * * *"
    assert (recurring.max_concurrency, recurring.no_catchup, recurring.mode) == ("1", True, "ENABLE")
    assert recurring.runtime_config.pipeline_root == "s3://store/maskline"
    assert record["next_utc"].endswith("T02:00:00+00:00")


def test_a_new_schedule_replaces_the_recipes_old_one_alone(server: Server, user: User) -> None:
    user.schedules()
    user.schedules(name="mias")
    assert user.schedules("0 30 4 * * *")["replaced"] == 1
    assert {(r.display_name, r.trigger.cron_schedule.cron) for r in server.recurring} == {
        ("mias", "0 0 2 * * *"),
        ("demo", "0 30 4 * * *"),
    }


def test_a_server_that_ignores_filters_loses_nobodys_schedule(server: Server, user: User) -> None:
    server.filters = False
    for name in ("mias", "demo", "demo"):
        user.schedules(name=name)
    assert [recurring.display_name for recurring in server.recurring] == ["mias", "demo"]
    assert [made.display_name for made in server.pipelines] == ["mias", "demo"]


def test_a_schedule_that_cannot_be_made_leaves_the_old_one(server: Server, user: User) -> None:
    user.schedules()
    server.faults = [Fault("POST", "recurringruns", 400)]
    with pytest.raises(ClusterError):
        user.schedules("0 30 4 * * *")
    assert [r.trigger.cron_schedule.cron for r in server.recurring] == ["0 0 2 * * *"]


@pytest.mark.parametrize("fault", [("POST", "recurringruns"), ("DELETE", "recurringruns/recurring-1")])
def test_a_lost_answer_leaves_one_schedule(server: Server, user: User, fault: tuple[str, str]) -> None:
    user.schedules()
    server.faults = [Fault(*fault, status=502, late=True)]
    user.schedules("0 30 4 * * *")
    assert [r.trigger.cron_schedule.cron for r in server.recurring] == ["0 30 4 * * *"]


def test_unschedule_ends_the_recipes_schedule_alone(server: Server, user: User) -> None:
    user.schedules()
    user.schedules(name="mias")
    submit.unschedule("demo", user.config, user.cluster, user.console)
    assert [recurring.display_name for recurring in server.recurring] == ["mias"]
    with pytest.raises(UsageError, match=rf"demo: not scheduled in experiment 'maskline' at {server.endpoint}"):
        submit.unschedule("demo", user.config, user.cluster, user.console)


def test_the_server_of_these_tests_refuses_what_the_official_models_do_not_know(server: Server, user: User) -> None:
    cluster = user.cluster
    with pytest.raises(MasklineError, match="not a V2beta1Pipeline"):
        cluster._client.pipelines.pipeline_service_create_pipeline({"display_name": "x", "surprise": 1})
    with pytest.raises(MasklineError, match="not a V2beta1RecurringRun"):
        cluster._client._recurring_run_api.recurring_run_service_create_recurring_run({"no_catchup": "yes"})
