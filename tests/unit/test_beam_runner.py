"""What a runner of Beam lacks is said before anything runs, with Beam's own parser."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from components.errors import UsageError
from pipeline.config.execution import BeamRunner, Execution
from pipeline.config.loader import parse_config
from pipeline.graph.beam import NO_PACKAGE, check_beam, checked_options, runner_arguments

GOOGLE = ["--project=a-project", "--region=europe-west3", "--temp_location=gs://bucket/tmp"]
IMAGE = "--environment_config=registry/maskline:1"
POOL = ["--job_endpoint=localhost:8099", "--environment_type=EXTERNAL", "--environment_config=localhost:50000"]
LEAST: dict[str, Any] = {"data": {"layout": "mias", "height": 64, "width": 64}, "training": {"epochs": 1}}


def refusal(runner: str, *options: str) -> str:
    with pytest.raises(UsageError) as caught:
        checked_options(BeamRunner.model_validate({"runner": runner, "options": list(options)}))
    return str(caught.value)


@pytest.mark.parametrize(
    ("runner", "options"),
    [
        ("dataflow", [*GOOGLE, "--sdk_container_image=registry/maskline:1", "--num_workers=3"]),
        ("dataflow", [*GOOGLE, "--extra_package=maskline.tar.gz"]),
        ("flink", []),
        ("flink", ["--flink_master=flink:8081", IMAGE, "--parallelism=4"]),
        ("flink", POOL),
        ("flink", ["--job_endpoint=localhost:8099", "--environment_type=LOOPBACK"]),
        ("spark", ["--spark_master_url=local[2]"]),
        ("spark", [*POOL[:1], "--environment_type=DOCKER", "--environment_options=docker_container_image=maskline"]),
        ("portable", POOL),
    ],
)
def test_complete_options_pass(
    runner: str, options: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    java = tmp_path / "java"
    java.touch(mode=0o755)
    # Some runners need Java, which this machine may lack.
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    checked_options(BeamRunner.model_validate({"runner": runner, "options": options}))


def test_all_that_dataflow_lacks_is_named_at_once() -> None:
    message = refusal("dataflow")
    for name in ("--project=", "--region=", "--temp_location=gs://", "--sdk_container_image="):
        assert name in message
    assert 'beam = { runner = "dataflow", options = [' in message


@pytest.mark.parametrize(
    ("runner", "options", "message"),
    [
        ("dataflow", GOOGLE, "dataflow lacks --sdk_container_image=IMAGE, an image that has Maskline"),
        ("dataflow", [*GOOGLE[:2], "--temp_location=/tmp"], "begins with gs:// (found /tmp)"),
        ("dataflow", [*GOOGLE, "--num_wrokers=3"], "Beam knows no option --num_wrokers"),
        ("dataflow", [*GOOGLE, "--num_workers=many"], "argument --num_workers: invalid int value: 'many'"),
        ("flink", ["--flink_version=0.9"], "argument --flink_version: invalid choice: '0.9'"),
        ("flink", ["--flink_master=flink:8081"], "flink lacks where its workers find Maskline"),
        ("flink", ["--job_endpoint=localhost:8099"], "flink lacks where its workers find Maskline"),
        ("flink", [*POOL[:2]], "external_service_address is required for environment type EXTERNAL"),
        ("spark", ["--spark_master_url=spark://host:7077"], "spark lacks where its workers find Maskline"),
        ("spark", ["--job_server_java_launcher=no-such-java"], "Java (no-such-java is not found)"),
        ("portable", [IMAGE], "portable lacks --job_endpoint=HOST:PORT"),
    ],
)
def test_what_is_wrong_or_missing_is_named(runner: str, options: list[str], message: str) -> None:
    assert message in refusal(runner, *options)


@pytest.mark.parametrize(
    ("beam", "message"),
    [
        ("hadoop", "[execution] beam: found 'hadoop', expected 'local', 'dataflow', 'flink' or 'spark'"),
        ({"runner": "hadoop"}, "expected 'dataflow', 'flink', 'spark' or 'portable'"),
        ({"runner": "flink", "options": ["parallelism=4"]}, "'parallelism=4' is no option: write it as --name=value"),
        ({"runner": "flink", "options": ["--runner=SparkRunner"]}, "--runner does not belong here"),
        ({"runner": "flink", "opts": []}, "[execution.beam] opts: unknown key. Allowed: options, runner"),
        (3, "[execution] beam: found 3, expected a"),
    ],
)
def test_mistakes_in_the_section_are_named(beam: Any, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_config({**LEAST, "execution": {"beam": beam}}, "run.toml")
    assert message in str(caught.value)


def test_processes_are_for_this_machine_alone() -> None:
    with pytest.raises(UsageError, match='parallel = "processes" is for beam = "local" alone'):
        parse_config({**LEAST, "execution": {"beam": "flink", "parallel": "processes"}}, "run.toml")


def test_folders_that_workers_may_not_see_are_refused(tmp_path: Path) -> None:
    shared, data, out = tmp_path / "nfs", tmp_path / "nfs" / "data", tmp_path / "out"
    beam = BeamRunner(runner="portable", options=POOL)
    with pytest.raises(UsageError, match=f"{data}: the data folder is on this machine.*found there: nothing"):
        check_beam(Execution(beam=beam), {"data folder": data})
    execution = Execution(beam=beam, shared=[str(shared)])
    check_beam(execution, {"data folder": data})
    with pytest.raises(UsageError, match=f"{out}: the output folder is .*found there: {shared}"):
        check_beam(execution, {"data folder": data, "output folder": out})


def test_workers_within_this_process_see_every_folder(tmp_path: Path) -> None:
    options = ["--job_endpoint=localhost:8099", "--environment_type=LOOPBACK"]
    check_beam(Execution(beam=BeamRunner(runner="flink", options=options)), {"data folder": tmp_path})


def test_arguments_name_the_runner_and_spare_tfx_its_package() -> None:
    assert runner_arguments(BeamRunner(runner="flink", options=POOL)) == ["--runner=FlinkRunner", *POOL, NO_PACKAGE]
    packaged = [*GOOGLE, "--sdk_container_image=registry/maskline:1"]
    assert runner_arguments(BeamRunner(runner="dataflow", options=packaged)) == ["--runner=DataflowRunner", *packaged]


def test_beam_is_not_imported_where_nothing_leaves_this_machine() -> None:
    script = """
import sys
from pipeline.graph.beam import check_beam
from pipeline.config.execution import Execution
check_beam(Execution(), {})
import pipeline.cli.app, pipeline.runs.launch
assert "apache_beam" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", script], check=True)
