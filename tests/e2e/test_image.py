"""The container image: who runs in it, what is in it, and every step of the small demo in a container of its own.

`make test-container` builds the image and runs this file; it needs podman.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import cv2
import pytest
from driver import Result, maskline, overrides

from pipeline.phantoms import write_mias_phantoms

IMAGE = os.environ.get("MASKLINE_IMAGE", "")
pytestmark = pytest.mark.skipif(not IMAGE, reason="make test-container builds the image that this needs")

PREDICT = """
import sys
from pathlib import Path
import tensorflow as tf
model, films, masks = map(Path, sys.argv[1:])
serve = tf.saved_model.load(str(model)).signatures["serve_image_bytes"]
for film in sorted(films.glob("*.png")):
    (masks / film.name).write_bytes(serve(images=tf.constant([film.read_bytes()]))["mask"].numpy()[0])
"""


def in_image(*command: object, options: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    arguments = ["podman", "run", "--rm", *options, IMAGE, *map(str, command)]
    return subprocess.run(arguments, capture_output=True, text=True, check=False)


def volume(source: Path, target: str) -> tuple[str, str]:
    return "--volume", f"{source}:{target}"


def containers_since(moment: str) -> int:
    # podman 4's own filter for images finds none by name.
    shown = ["--since", moment, "--filter", "event=create", "--format", "{{.Image}}"]
    return subprocess.check_output(["podman", "events", "--stream=false", *shown], text=True).split().count(IMAGE)


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
    folder = tmp_path_factory.mktemp("cluster")
    write_mias_phantoms(folder / "data", women=24, size=96, seed=7)
    (folder / "serving").mkdir()
    (folder / "serving").chmod(0o777)
    return folder


@pytest.fixture(scope="module")
def package(folder: Path) -> Path:
    package = folder / "demo.yaml"
    cluster = {
        "kubeflow.image": f'"{IMAGE}"',
        "kubeflow.volumes": '[{claim = "data", path = "/data"}, {claim = "serving", path = "/serving"}]',
        "serving.destination": '"/serving"',
    }
    settings = [part for key, value in cluster.items() for part in ("--set", f"{key}={value}")]
    compiled = maskline("kubeflow", "compile", "demo", "--out", package, "--data", "/data", *overrides(), *settings)
    assert compiled.code == 0, compiled.stderr
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
    assert set(run.states.values()) == {"ran"}
    assert len(run.states) == containers_since(began) == 12
    [version] = [path.name for path in (folder / "serving").iterdir() if path.is_dir()]
    assert json.loads((folder / "serving" / "CHAMPION.json").read_text()) == {"version": version}
    assert run.record["pushed"]["version"] == version


def test_the_pushed_model_answers_in_the_image_as_here(folder: Path, run: Result) -> None:
    version = run.record["pushed"]["version"]
    for name in ("films", "here", "there"):
        (folder / name).mkdir()
        (folder / name).chmod(0o777)
    for film in sorted((folder / "data").glob("*.pgm"))[:6]:
        cv2.imwrite(str(folder / "films" / f"{film.stem}.png"), cv2.imread(str(film), cv2.IMREAD_GRAYSCALE))
    here = [sys.executable, "-c", PREDICT, folder / "serving" / version, folder / "films", folder / "here"]
    subprocess.run(here, check=True, capture_output=True)
    mounts = (*volume(folder / "serving", "/serving:ro"), *volume(folder / "films", "/films:ro"))
    there = in_image(
        *("python", "-c", PREDICT, f"/serving/{version}", "/films", "/masks"),
        options=(*mounts, *volume(folder / "there", "/masks")),
    )
    assert there.returncode == 0, there.stderr
    masks = {path.name: path.read_bytes() for path in (folder / "there").iterdir()}
    assert masks == {path.name: path.read_bytes() for path in (folder / "here").iterdir()}
    assert len(masks) == 6
    assert any(cv2.imread(str(folder / "there" / name), cv2.IMREAD_GRAYSCALE).any() for name in masks)
