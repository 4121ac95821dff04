"""`maskline kubeflow submit`, `runs`, `schedule` and `unschedule` as processes of their own, against a local server."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import kfp_server_api as models
import pytest
import yaml
from compiled import GOLDEN
from kfp_server import Server, serving

from components.errors import MasklineError
from pipeline.config.loader import load_config
from pipeline.kubeflow.package import read_package, to_yaml
from pipeline.kubeflow.submit import prepare
from pipeline.kubeflow.vertex import submit_to_vertex
from pipeline.runners.console import RunConsole

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

    def __call__(self, *arguments: str, token: str = TOKEN) -> tuple[int, Any]:
        variables = {"HOME": str(self.home), "KFP_ENDPOINT": self.endpoint, "KFP_TOKEN": token, "KFP_NAMESPACE": ""}
        done = subprocess.run(
            [sys.executable, "-m", "pipeline.cli", "kubeflow", *arguments],
            cwd=self.home,
            env={**os.environ, **variables, "PYTHONPATH": str(REPOSITORY)},
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
def shell(tmp_path: Path, server: Server) -> Shell:
    (tmp_path / "lesions.toml").write_text(RECIPE)
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
    code, record = shell("schedule", "lesions.toml", "--cron", "30 1 * * 6", "--json")
    assert (code, record["cron"], record["replaced"]) == (0, "0 30 1 * * 6", 0)
    assert server.recurring[0].trigger.cron_schedule.cron == "0 30 1 * * 6"
    assert shell("unschedule", "lesions.toml", "--json") == (0, {"deleted": 1})
    code, answer = shell("unschedule", "lesions.toml", "--json")
    assert (code, answer["exit_code"]) == (2, 2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["submit", "lesions.toml", "--set", "kubeflow.image="], "no container image"),
        (["submit", "lesions.toml", "--set", "kubeflow.volumes=[{claim='c', path='/elsewhere'}]"], "/data/images"),
        (["submit", "lesions.toml", "--local-data", "nowhere"], "nowhere: no such folder"),
        (["submit", "lesions.toml", "--set", "kubeflow.endpoint=cluster"], "cluster: expected an address"),
        (["submit", "lesions.toml", "--target", "vertex"], "pipeline_root = '': Vertex AI stores in gs://"),
        (["schedule", "lesions.toml", "--cron", "often"], "--cron 'often': 1 fields"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_sent(
    shell: Shell, server: Server, arguments: list[str], message: str
) -> None:
    code, text = shell(*arguments)
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
