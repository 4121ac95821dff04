"""The compiled demo by the newest Kubeflow's own means: its messages parse it, its local runner runs it in containers.

They are in an environment of their own, which `make test-container` makes; podman's socket stands for docker's.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import textwrap
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml
from container import LOCAL_RUNNER, answers, containers_since, needs_image, write_cluster
from driver import REPOSITORY, maskline, nodes

pytestmark = [
    needs_image,
    pytest.mark.skipif(not LOCAL_RUNNER, reason="make test-container makes the environment that this needs"),
]
PYTHON = REPOSITORY / LOCAL_RUNNER
GOLDEN = REPOSITORY / "tests" / "golden" / "kubeflow.toml"

PARSE = """
import sys
import yaml
from google.protobuf.json_format import ParseDict
from kfp.kubernetes.kubernetes_executor_config_pb2 import KubernetesExecutorConfig
from kfp.pipeline_spec.pipeline_spec_pb2 import PipelineDeploymentConfig, PipelineSpec, PlatformSpec
with open(sys.argv[1]) as file:
    spec, *platforms = yaml.safe_load_all(file)
ParseDict(spec, PipelineSpec())
print(len(ParseDict(spec["deploymentSpec"], PipelineDeploymentConfig()).executors))
for platform in platforms:
    ParseDict(platform, PlatformSpec())
    for config in platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"].values():
        ParseDict(config, KubernetesExecutorConfig())
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`data`, `serving` and `demo.yaml`, as README has them; `out` for the artifacts."""
    folder = tmp_path_factory.mktemp("local")
    write_cluster(folder)
    return folder


def strictly_parsed(file: Path) -> subprocess.CompletedProcess[str]:
    """Prints how many executors there are; ends with 1 where anything is unknown."""
    return subprocess.run([PYTHON, "-c", PARSE, file], capture_output=True, text=True, check=False)


def test_the_newest_messages_know_all_that_the_demo_says(folder: Path) -> None:
    result = strictly_parsed(folder / "demo.yaml")
    assert (result.returncode, result.stdout) == (0, f"{len(nodes())}\n"), result.stderr


def test_the_newest_messages_know_all_that_can_be_asked_of_a_cluster(tmp_path: Path) -> None:
    file = tmp_path / "golden.yaml"
    assert maskline("kubeflow", "compile", GOLDEN, "--out", file).code == 0
    result = strictly_parsed(file)
    assert (result.returncode, result.stdout) == (0, f"{len(nodes())}\n"), result.stderr
    for asked in ("pvcMount", "secretAsEnv", "nodeSelector", "accelerator", "retryPolicy"):
        assert f"{asked}:" in file.read_text()


@pytest.mark.parametrize("document", [0, 1])
def test_what_the_newest_messages_do_not_know_is_refused(folder: Path, tmp_path: Path, document: int) -> None:
    documents = list(yaml.safe_load_all((folder / "demo.yaml").read_text()))
    executors = next(found for found in find(documents[document], "executors"))
    next(iter(executors.values()))["unheard"] = True
    file = tmp_path / "unheard.yaml"
    file.write_text(yaml.dump_all(documents))
    result = strictly_parsed(file)
    assert result.returncode == 1
    assert 'no field named "unheard"' in result.stderr


def find(value: object, key: str) -> Iterator[dict]:
    """The tables of this name, at any depth."""
    if isinstance(value, dict):
        yield from ([value[key]] if key in value else [])
        for item in value.values():
            yield from find(item, key)


@pytest.fixture(scope="module")
def socket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of an engine that docker's clients talk to."""
    path = tmp_path_factory.mktemp("podman") / "socket"
    service = subprocess.Popen(["podman", "system", "service", "--time=0", f"unix://{path}"])
    until = time.monotonic() + 30
    while not path.exists() and service.poll() is None and time.monotonic() < until:
        time.sleep(0.1)
    yield f"unix://{path}"
    service.terminate()
    service.wait()


def program() -> str:
    """What README tells its reader to run."""
    section = (REPOSITORY / "README.md").read_text().partition("\n## Container\n")[2].partition("\n## ")[0]
    [program] = [block for block in section.split("\n\n") if "local.DockerRunner(" in block]
    return textwrap.dedent(program)


@pytest.mark.timeout(1800)
def test_the_local_runner_runs_every_step_to_a_pushed_model_that_answers(folder: Path, socket: str) -> None:
    began = datetime.now(UTC).isoformat()
    environment = {**os.environ, "DOCKER_HOST": socket}
    command = [PYTHON, "-c", program()]
    run = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    said = run.stdout + run.stderr
    assert run.returncode == 0, said
    assert re.search("Pipeline .*demo.* finished with status .*SUCCESS", said)
    assert len(re.findall("Task .* finished with status .*SUCCESS", said)) == containers_since(began) == len(nodes())
    # Whatever the runner says: a step writes this when it has ended well.
    assert len(list((folder / "out").glob("*/*/executor_output.json"))) == len(nodes())
    [version] = [path.name for path in (folder / "serving").iterdir() if path.is_dir()]
    assert json.loads((folder / "serving" / "CHAMPION.json").read_text()) == {"version": version}
    assert len(answers(folder, version)) == 6
