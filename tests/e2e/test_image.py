"""The container image: who runs in it, what is in it, and every step of the small demo in a container of its own.

`make test-container` builds the image and runs this file; it needs podman.
"""

from __future__ import annotations

import json
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from container import IMAGE, PREDICT, answers, containers_since, in_image, needs_image, volume, write_cluster
from driver import Result, maskline, nodes

pytestmark = needs_image


def test_the_user_is_a_number_other_than_root() -> None:
    config = json.loads(subprocess.check_output(["podman", "inspect", IMAGE]))[0]["Config"]
    user = config["User"].partition(":")[0]
    assert int(user) > 0
    assert in_image("id", "-u").stdout.split() == [user]
    assert config["Labels"]["org.opencontainers.image.revision"]
    assert config["Labels"]["org.opencontainers.image.version"]


@pytest.mark.parametrize("user", ["10001:0", "54321:0"])
def test_the_home_is_writable_by_whoever_the_cluster_runs_and_the_program_is_not(user: str) -> None:
    assert in_image("sh", "-c", "touch $HOME/new && touch new", options=("--user", user)).returncode == 0
    assert in_image("sh", "-c", "touch /opt/maskline/new", options=("--user", user)).returncode != 0


def test_no_build_tool_is_left() -> None:
    tools = "gcc g++ cc c++ cpp ld as make uv git"
    assert in_image("sh", "-c", f"for tool in {tools}; do command -v $tool; done; true").stdout == ""


def test_the_command_line_finds_all_it_needs() -> None:
    result = in_image("maskline", "doctor", "--json")
    assert result.returncode == 0, result.stdout
    assert result.stderr == ""


def test_the_command_is_the_step_of_a_compiled_pipeline() -> None:
    result = in_image()
    assert result.returncode == 2
    assert "--executor_class_path" in result.stderr


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`data` and `serving` stand for the cluster's volumes; `out` for its stores."""
    return tmp_path_factory.mktemp("cluster")


@pytest.fixture(scope="module")
def package(folder: Path) -> Path:
    package = write_cluster(folder)
    (folder / "serving").chmod(0o777)
    return package


@pytest.fixture(scope="module")
def began() -> str:
    return datetime.now(UTC).isoformat()


@pytest.fixture(scope="module")
def run(folder: Path, package: Path, began: str) -> Result:
    mounts = ["--mount", f"data={folder / 'data'}", "--mount", f"serving={folder / 'serving'}"]
    return maskline("kubeflow", "simulate", package, "--out", folder / "out", "--image", IMAGE, *mounts, "--json")


def test_every_step_runs_in_a_container_of_its_own_and_a_model_is_pushed(folder: Path, run: Result, began: str) -> None:
    assert run.code == 0, run.stderr + run.stdout
    assert run.states == dict.fromkeys(nodes(), "ran")
    assert containers_since(began) == len(nodes())
    [version] = [path.name for path in (folder / "serving").iterdir() if path.is_dir()]
    assert json.loads((folder / "serving" / "CHAMPION.json").read_text()) == {"version": version}
    assert run.record["pushed"]["version"] == version


def test_the_pushed_model_answers_in_the_image_as_here(folder: Path, run: Result) -> None:
    version = run.record["pushed"]["version"]
    here = answers(folder, version)
    assert len(here) == 6
    (folder / "there").mkdir()
    (folder / "there").chmod(0o777)
    mounts = (*volume(folder / "serving", "/serving:ro"), *volume(folder / "films", "/films:ro"))
    there = in_image(
        *("python", "-c", PREDICT, f"/serving/{version}", "/films", "/masks"),
        options=(*mounts, *volume(folder / "there", "/masks")),
    )
    assert there.returncode == 0, there.stderr
    assert {path.name: path.read_bytes() for path in (folder / "there").iterdir()} == here
