"""`maskline kubeflow submit`, `runs`, `schedule` and `unschedule` against a local server."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import kfp_server_api as models
import pytest
import yaml
from compiled import GOLDEN
from kfp_server import Server, serving
from typer.testing import CliRunner

from components.errors import MasklineError, UsageError
from pipeline.cli.app import app
from pipeline.config.kubeflow import Kubeflow
from pipeline.config.loader import load_config
from pipeline.kubeflow.cluster.submit import prepare
from pipeline.kubeflow.cluster.vertex import refuse_for_vertex, submit_to_vertex
from pipeline.kubeflow.spec.package import read_package, to_yaml
from pipeline.runs.console import RunConsole

REPOSITORY = Path(__file__).parents[2]
TOKEN = "eyJhbGciOi.secret-of-the-test"
RECIPE = """
[data]
layout = "folders"
height = 64
width = 64
input = "/data/images"
[data.groups]
by = "pattern"
pattern = '^(p\\d+)'
[training]
epochs = 1
[serving]
destination = "/data/serving"
[kubeflow]
image = "registry.example.org/maskline:1"
volumes = [{ claim = "data", path = "/data" }]
"""


class Shell:
    """A user's terminal in a folder of their own, which is their home too."""

    def __init__(self, home: Path, endpoint: str) -> None:
        self.home, self.endpoint = home, endpoint
        self.screen = ""

    def _variables(self, token: str) -> dict[str, str]:
        return {"HOME": str(self.home), "KFP_ENDPOINT": self.endpoint, "KFP_TOKEN": token, "KFP_NAMESPACE": ""}

    def here(self, *arguments: str) -> tuple[int, Any]:
        """In this process, where TFX is loaded once."""
        done = CliRunner().invoke(app, ["kubeflow", *arguments], env=self._variables(TOKEN))
        return done.exit_code, json.loads(done.stdout) if "--json" in arguments else done.output

    def __call__(self, *arguments: str, token: str = TOKEN) -> tuple[int, Any]:
        """As a process of its own."""
        done = subprocess.run(
            [sys.executable, "-m", "pipeline.cli", "kubeflow", *arguments],
            cwd=self.home,
            env={**os.environ, **self._variables(token), "PYTHONPATH": str(REPOSITORY)},
            capture_output=True,
            text=True,
        )
        self.screen += done.stdout + done.stderr
        return done.returncode, json.loads(done.stdout) if "--json" in arguments else done.stdout + done.stderr


@pytest.fixture
def server() -> Any:
    with serving(token=TOKEN) as running:
        yield running


@pytest.fixture
def shell(tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> Shell:
    (tmp_path / "lesions.toml").write_text(RECIPE)
    monkeypatch.chdir(tmp_path)
    return Shell(tmp_path, server.endpoint)


def test_a_recipe_is_compiled_submitted_and_followed_and_the_token_is_seen_by_the_server_alone(
    shell: Shell, server: Server
) -> None:
    gate = models.V2beta1PipelineTaskDetail(
        display_name="DataGate", state="FAILED", error=models.GooglerpcStatus(message="exit status 4")
    )
    server.progress = [{"state": "FAILED", "run_details": models.V2beta1RunDetails(task_details=[gate])}]
    code, text = shell("submit", "lesions.toml", "--debug")
    assert code == 4
    assert "✗ DataGate" in text
    assert "INFO" not in text
    [run] = server.runs
    spec, platform = yaml.safe_load_all(server.packages[run.pipeline_version_reference.pipeline_version_id])
    assert spec["pipelineInfo"]["name"] == server.pipelines[0].display_name == "lesions"
    assert "data" in json.dumps(platform)

    assert shell("runs", "lesions.toml", "--json")[1][0]["id"] == run.run_id
    assert shell("runs", token="x" + TOKEN)[0] == 1
    assert "not signed in (401)" in shell.screen

    written = [path.read_bytes() for path in shell.home.rglob("*") if path.is_file()]
    assert not any(TOKEN.encode() in contents for contents in written)
    assert TOKEN not in shell.screen
    assert not (shell.home / ".config" / "kfp").exists()


def test_a_schedule_is_made_and_ended(shell: Shell, server: Server) -> None:
    code, record = shell.here("schedule", "lesions.toml", "--cron", "30 1 * * 6", "--json")
    assert (code, record["cron"], record["replaced"]) == (0, "0 30 1 * * 6", 0)
    assert server.recurring[0].trigger.cron_schedule.cron == "0 30 1 * * 6"
    assert shell.here("unschedule", "lesions.toml", "--json") == (0, {"deleted": 1})
    code, answer = shell.here("unschedule", "lesions.toml", "--json")
    assert (code, answer["exit_code"]) == (2, 2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["submit", "lesions.toml", "--set", "kubeflow.image="], "no container image"),
        (["submit", "lesions.toml", "--set", "kubeflow.volumes=[{claim='c', path='/elsewhere'}]"], "/data/images"),
        (["submit", "lesions.toml", "--local-data", "nowhere"], "nowhere: no such folder"),
        (["submit", "lesions.toml", "--set", "kubeflow.endpoint=cluster"], "cluster: expected an address"),
        (["submit", "lesions.toml", "--target", "vertex"], "pipeline_root = '': Vertex AI stores in gs://"),
        (
            ["submit", "lesions.toml", "--target", "vertex", "--timeout", "9"],
            "--timeout: on Vertex AI a run is started",
        ),
        (["schedule", "lesions.toml", "--cron", "often"], "--cron 'often': 1 fields"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_sent(
    shell: Shell, server: Server, arguments: list[str], message: str
) -> None:
    code, text = shell.here(*arguments)
    assert code == 2
    assert message in text
    assert server.requests == []


def test_the_files_on_this_machine_are_part_of_the_pipeline(tmp_path: Path, write_pairs: Any) -> None:
    (tmp_path / "lesions.toml").write_text(RECIPE)
    config, console = load_config(str(tmp_path / "lesions.toml")), RunConsole(io.StringIO())
    folder = write_pairs(tmp_path / "images", 3)

    def compiled(seen: Path | None) -> str:
        return to_yaml(prepare("lesions", config, None, seen, console))

    before = compiled(folder)
    assert compiled(folder) == before != compiled(None)
    next((folder / "images").iterdir()).touch()
    assert compiled(folder) != before


def test_vertex_without_credentials_says_what_it_takes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "research")
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "nowhere.json"))
    with pytest.raises(MasklineError, match=r"^Vertex AI: .*GOOGLE_CLOUD_PROJECT.*gcloud auth"):
        submit_to_vertex("lesions", read_package(GOLDEN), "gs://bucket/maskline")


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"volumes": [{"claim": "films", "path": "/films"}]}, "volumes and secrets: Vertex AI knows neither"),
        ({"resources": {"node_selector": {"pool": "a"}}}, "node_selector = .*: Vertex AI chooses the machines"),
        (
            {"nodes": {"Trainer": {"accelerator": "nvidia.com/gpu", "accelerators": 1}}},
            "accelerator = 'nvidia.com/gpu': .* NVIDIA_TESLA_T4",
        ),
    ],
)
def test_what_vertex_does_not_have_is_refused(section: dict[str, Any], message: str) -> None:
    bucket = {"pipeline_root": "gs://bucket/maskline"}
    refuse_for_vertex(Kubeflow(**bucket, resources={"accelerator": "NVIDIA_TESLA_T4", "accelerators": 1}))
    with pytest.raises(UsageError, match=message):
        refuse_for_vertex(Kubeflow(**bucket, **section))


def test_vertex_without_its_client_says_what_to_install() -> None:
    script = f"""
import pathlib, sys
sys.modules["google.cloud.aiplatform"] = None
from pipeline.kubeflow.spec.package import read_package
from pipeline.kubeflow.cluster.vertex import UsageError, submit_to_vertex
try:
    submit_to_vertex("lesions", read_package(pathlib.Path({str(GOLDEN)!r})), "gs://bucket/maskline")
except UsageError as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
    )
    assert done.stdout == "the client of Vertex AI is missing: pip install 'maskline[vertex]'\n", done.stderr


class Google(BaseHTTPRequestHandler):
    """Cloud Storage, where there is every bucket, and Vertex AI, which takes every job."""

    jobs: ClassVar[list[tuple[str, dict[str, Any]]]] = []

    def do_GET(self) -> None:
        self._answer({"name": "bucket", "projectNumber": "1"})

    def do_POST(self) -> None:
        self.jobs.append((self.path, json.loads(self.rfile.read(int(self.headers["Content-Length"])))))
        self._answer({"name": "projects/1/locations/europe-west4/pipelineJobs/lesions-1"})

    def _answer(self, content: dict[str, Any]) -> None:
        body = json.dumps(content).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing."""


def test_vertex_gets_the_pipeline_as_a_job(monkeypatch: pytest.MonkeyPatch) -> None:
    from google.auth.credentials import AnonymousCredentials
    from google.cloud import aiplatform
    from google.cloud.aiplatform.utils import resource_manager_utils

    with ThreadingHTTPServer(("127.0.0.1", 0), Google) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", address)
        # Who owns the bucket is asked of a service whose address cannot be changed.
        monkeypatch.setattr(resource_manager_utils, "get_project_number", lambda *_, **__: 1)
        place = {"project": "research", "location": "europe-west4", "credentials": AnonymousCredentials()}
        aiplatform.init(**place, api_endpoint=address, api_transport="rest")
        try:
            package = read_package(GOLDEN)
            run = submit_to_vertex("lesions", package, "gs://bucket/maskline")
        finally:
            aiplatform.initializer.global_config.__init__()
            server.shutdown()
    [(path, job)] = Google.jobs
    assert run.id == "projects/1/locations/europe-west4/pipelineJobs/lesions-1"
    assert path.startswith("/v1/projects/research/locations/europe-west4/pipelineJobs?")
    assert (job["displayName"], job["runtimeConfig"]["gcsOutputDirectory"]) == ("lesions", "gs://bucket/maskline")
    assert job["pipelineSpec"]["root"]["dag"]["tasks"].keys() == package.spec["root"]["dag"]["tasks"].keys()
    assert job["pipelineSpec"]["deploymentSpec"] == package.spec["deploymentSpec"]
