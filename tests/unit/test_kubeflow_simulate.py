"""Simulations of a small pipeline whose steps are a line of Python each."""

from __future__ import annotations

import copy
import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from components.errors import UsageError
from components.example_gen.listing import fingerprint
from components.example_gen.settings import DataSettings
from components.files import locked
from pipeline.cli.kubeflow import kubeflow_app
from pipeline.kubeflow.simulator.backend import BACKENDS
from pipeline.kubeflow.simulator.pod import Containers, Processes
from pipeline.kubeflow.simulator.simulate import Simulation, for_data, simulate
from pipeline.kubeflow.simulator.tasks import parse_pipeline
from pipeline.kubeflow.spec.package import Package, write_package
from pipeline.runs.conclusion import conclusion
from pipeline.runs.console import RunConsole
from pipeline.runs.folders import list_runs
from pipeline.runs.record import RunRecord

REPOSITORY = Path(__file__).parents[2]


def artifact(title: str) -> dict[str, Any]:
    """Declares an output as TFX compiles one."""
    return {"artifactType": {"instanceSchema": f"title: {title}\ntype: object\n"}}


ARTIFACT = artifact("tfx.Model")
COPY = """
import pathlib, os, sys
root = os.environ["MASKLINE_KFP_ROOT"]
source, target, word = sys.argv[1:]
text = pathlib.Path(source, "text").read_text() if source else ""
pathlib.Path(target).mkdir(parents=True)
pathlib.Path(target, "text").write_text(text + word)
"""


def step(word: str, source: str = "") -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """Component, task and container of a step that adds a word to what its source has written."""
    component: dict[str, Any] = {"outputDefinitions": {"artifacts": {"text": ARTIFACT}}}
    task: dict[str, Any] = {"cachingOptions": {"enableCache": True}}
    path = "{{$.inputs.artifacts['text'].path}}" if source else ""
    if source:
        component["inputDefinitions"] = {"artifacts": {"text": ARTIFACT}}
        task["dependentTasks"] = [source]
        output = {"producerTask": source, "outputArtifactKey": "text"}
        task["inputs"] = {"artifacts": {"text": {"taskOutputArtifact": output}}}
    target = "{{$.outputs.artifacts['text'].path}}"
    container = {"image": "busybox:1", "command": [sys.executable, "-c", COPY], "args": [path, target, word]}
    return component, task, container


def package(**steps: Any) -> Package:
    spec: dict[str, Any] = {
        "pipelineInfo": {"name": "words"},
        "schemaVersion": "2.1.0",
        "sdkVersion": "test",
        "components": {},
        "deploymentSpec": {"executors": {}},
        "root": {"dag": {"tasks": {}}},
    }
    for name, (component, task, container) in steps.items():
        spec["components"][name] = {**component, "executorLabel": f"{name}_executor"}
        spec["deploymentSpec"]["executors"][f"{name}_executor"] = {"container": container}
        spec["root"]["dag"]["tasks"][name] = {**task, "componentRef": {"name": name}, "taskInfo": {"name": name}}
    return Package(spec, {})


def run(out: Path, given: Package, **options: Any) -> RunRecord:
    simulation = Simulation(given, out, Processes(), options.pop("parameters", {}), **options)
    return simulate(simulation, RunConsole(io.StringIO()))


def states(record: RunRecord) -> dict[str, str]:
    return {step.id: step.state for step in record.steps}


def text(record: RunRecord, name: str) -> str:
    [path] = [step.outputs["text"]["path"] for step in record.steps if step.id == name]
    return Path(path, "text").read_text()


def test_steps_run_in_the_order_of_their_data_and_pass_files_on(tmp_path: Path) -> None:
    record = run(tmp_path, package(alpha=step("c", "beta"), beta=step("b", "gamma"), gamma=step("a")))
    assert list(states(record)) == ["gamma", "beta", "alpha"]
    assert text(record, "alpha") == "abc"
    assert (record.status, record.exit_code) == ("done", 0)
    [listed] = list_runs(tmp_path)
    assert listed.status == "done"


def test_only_what_a_change_concerns_runs_again(tmp_path: Path) -> None:
    first = run(tmp_path, package(one=step("a"), two=step("b", "one"), other=step("x")))
    assert set(states(first).values()) == {"ran"}
    again = run(tmp_path, package(one=step("a"), two=step("b", "one"), other=step("x")))
    assert set(states(again).values()) == {"cached"}
    assert text(again, "two") == "ab"
    changed = run(tmp_path, package(one=step("A"), two=step("b", "one"), other=step("x")))
    assert states(changed) == {"one": "ran", "two": "ran", "other": "cached"}
    assert text(changed, "two") == "Ab"
    back = run(tmp_path, package(one=step("a"), two=step("b", "one"), other=step("x")))
    assert set(states(back).values()) == {"cached"}
    asked = run(tmp_path, package(one=step("a"), two=step("b", "one"), other=step("x")), cache=False)
    assert set(states(asked).values()) == {"ran"}
    assert set(states(run(tmp_path / "elsewhere", package(one=step("a")))).values()) == {"ran"}


def test_a_step_that_may_not_be_cached_runs_and_with_it_what_reads_its_output(tmp_path: Path) -> None:
    component, task, container = step("a")
    steps = {"one": (component, {**task, "cachingOptions": {}}, container), "two": step("b", "one"), "other": step("x")}
    run(tmp_path, package(**steps))
    assert states(run(tmp_path, package(**steps))) == {"one": "ran", "two": "ran", "other": "cached"}


@pytest.mark.parametrize("backend", BACKENDS, ids=lambda backend: backend.release)
def test_files_pass_on_in_every_release(tmp_path: Path, backend: Any) -> None:
    given = package(one=step("a"), two=step("b", "one"))
    record = run(tmp_path, given, backend=backend)
    assert text(record, "two") == "ab"
    [log] = [step.outputs.get("executor-logs") for step in record.steps if step.id == "two"]
    assert (log is not None) == backend.publishes_logs
    assert set(states(run(tmp_path, given, backend=backend)).values()) == {"cached"}


def test_the_report_is_named_among_the_outputs_of_its_step(tmp_path: Path) -> None:
    """They come in no order."""
    _, task, container = step("a")
    command = [*container["command"][:2], f"{COPY}\npathlib.Path(target, 'report.html').touch()"]
    outputs = {**dict.fromkeys("abcdefgh", ARTIFACT), "report": artifact("maskline.RunReport")}
    component = {"outputDefinitions": {"artifacts": outputs}}
    arguments = ["", "{{$.outputs.artifacts['report'].path}}", "a"]
    record = run(tmp_path, package(reports=(component, task, {**container, "command": command, "args": arguments})))
    assert record.report == str(Path(record.steps[0].outputs["report"]["path"], "report.html"))


def leaves(
    output: str, title: str, file: str, content: dict[str, Any], after: str = ""
) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """A step that leaves a JSON file in one of its outputs."""
    component, task, container = step("")
    task["dependentTasks"] = [after] if after else []
    script = f"{COPY}\npathlib.Path(target, {file!r}).write_text({json.dumps(content)!r})"
    component = {"outputDefinitions": {"artifacts": {output: artifact(title)}}}
    arguments = ["", f"{{{{$.outputs.artifacts['{output}'].path}}}}", ""]
    return component, task, {**container, "command": [*container["command"][:2], script], "args": arguments}


def test_the_record_says_what_that_of_a_local_run_says(tmp_path: Path) -> None:
    numbers = {"dice": 0.6, "loss": 0.3}
    trained = {"train": numbers, "eval": numbers, "warnings": ["the training loss is odd"], "devices": ["GPU:0"]}
    trained |= {"seconds": 1.5, "parameters": 7}
    dice, reasons = {"mean": 0.5, "ci95": None, "n": 3}, ["mean Dice 0.5 is below min_dice 0.9"]
    tested = {"dice": dice, "reasons": reasons, "champion": None}
    of_a_fold = {**tested, "reasons": ["of a fold"]}
    nodes = package(
        Trainer=leaves("model_run", "tfx.ModelRun", "training.json", trained),
        Evaluator=leaves("evaluation", "tfx.ModelEvaluation", "metrics.json", tested, after="FoldEvaluator"),
        FoldEvaluator=leaves("evaluation", "tfx.ModelEvaluation", "metrics.json", of_a_fold),
        ServingCheck=leaves("blessing", "tfx.InfraBlessing", "checks.json", {"checks": []}),
    )
    screen = io.StringIO()
    record = simulate(Simulation(nodes, tmp_path, Processes(), {}), RunConsole(screen))
    assert (record.status, record.exit_code, record.blessed) == ("refused by the evaluation", 3, False)
    assert (record.warnings, record.devices) == (["the training loss is odd"], ["GPU:0"])
    assert record.metrics == {"train": numbers, "eval": numbers, "test": tested}
    assert "! the training loss is odd\n" in screen.getvalue()
    assert conclusion(record) == [
        "Test: mean foreground Dice 0.500, 3 cases",
        "Refused: mean Dice 0.5 is below min_dice 0.9",
    ]


def test_the_first_failed_step_ends_the_simulation_with_its_code(tmp_path: Path) -> None:
    component, task, container = step("a")
    failing = {**container, "args": [], "command": [sys.executable, "-c", "print('no films'); raise SystemExit(4)"]}
    record = run(tmp_path, package(one=(component, task, failing), two=step("b", "one")))
    assert states(record) == {"one": "failed"}
    assert (record.status, record.exit_code) == ("failed", 4)
    failed, log = conclusion(record)
    assert failed == "Refused: one: ended with code 4: no films"
    assert Path(log.removeprefix("Log of the step: ")).read_text() == "no films\n"
    repaired = run(tmp_path, package(one=step("a"), two=step("b", "one")))
    assert text(repaired, "two") == "ab"


def test_parameters_of_the_run_reach_the_steps(tmp_path: Path) -> None:
    component, task, container = step("a")
    given = package(
        one=(
            {**component, "inputDefinitions": {"parameters": {"word": {"parameterType": "STRING"}}}},
            {**task, "inputs": {"parameters": {"word": {"componentInputParameter": "word"}}}},
            {**container, "args": [*container["args"][:2], "{{$.inputs.parameters['word']}}"]},
        )
    )
    given.spec["root"]["inputDefinitions"] = {"parameters": {"word": {"parameterType": "STRING", "defaultValue": "w"}}}
    assert text(run(tmp_path, given, parameters={"word": "z"}), "one") == "z"
    assert text(run(tmp_path, given), "one") == "w"


def test_an_output_parameter_has_its_type_in_the_next_step(tmp_path: Path) -> None:
    writes = "import os, pathlib, sys\nif sys.argv[1]: pathlib.Path(os.environ['MASKLINE_KFP_ROOT'] + sys.argv[1])"
    _, task, container = step("", "")
    file = "{{$.outputs.parameters['count'].output_file}}"
    outputs = {"outputDefinitions": {"parameters": {"count": {"parameterType": "NUMBER_INTEGER"}}}}
    counts = {**container, "command": [sys.executable, "-c", f"{writes}.write_text('3')"], "args": [file]}
    reader, reading, copies = step("a")
    reader["inputDefinitions"] = {"parameters": {"count": {"parameterType": "NUMBER_INTEGER"}}}
    produced = {"producerTask": "one", "outputParameterKey": "count"}
    reading |= {"inputs": {"parameters": {"count": {"taskOutputParameter": produced}}}, "dependentTasks": ["one"]}
    copies["args"][2] = "{{$.inputs.parameters['count']}}"
    record = run(tmp_path, package(one=(outputs, task, counts), two=(reader, reading, copies)))
    assert text(record, "two") == "3"
    silent = run(tmp_path, package(one=(outputs, task, {**counts, "args": [""]}), two=(reader, reading, copies)))
    assert silent.reasons == ["one: wrote no output parameter 'count'"]
    assert silent.exit_code == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"triggerPolicy": {"condition": "true"}}, "one: has a condition or a trigger"),
        ({"triggerPolicy": {"strategy": "ALL_UPSTREAM_TASKS_COMPLETED"}}, "one: has a condition or a trigger"),
        (
            {"parameterIterator": {"items": {"raw": "[1]"}, "itemInput": "x"}},
            "one: is a loop",
        ),
    ],
)
def test_what_would_not_be_simulated_faithfully_is_refused(tmp_path: Path, change: Any, message: str) -> None:
    component, task, container = step("a")
    with pytest.raises(UsageError, match=message):
        run(tmp_path / "out", package(one=(component, {**task, **change}, container)))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("constant", ["{{$.pipeline_job_create_time_utc}}", "{{$.workspace_path}}/films"])
def test_a_constant_that_is_another_from_release_to_release_is_refused(tmp_path: Path, constant: str) -> None:
    component, task, container = step("a")
    component["inputDefinitions"] = {"parameters": {"word": {"parameterType": "STRING"}}}
    task["inputs"] = {"parameters": {"word": {"runtimeValue": {"constant": constant}}}}
    with pytest.raises(UsageError, match="one: the constant 'word' holds a placeholder that the simulator"):
        run(tmp_path / "out", package(one=(component, task, container)))
    assert not (tmp_path / "out").exists()


def test_a_default_value_is_that_of_an_optional_parameter_alone(tmp_path: Path) -> None:
    component, task, container = step("a")
    word = {"parameterType": "STRING", "defaultValue": "z"}
    container["args"][2] = "{{$.inputs.parameters['word']}}"
    optional = {**component, "inputDefinitions": {"parameters": {"word": {**word, "isOptional": True}}}}
    assert text(run(tmp_path, package(one=(optional, task, container))), "one") == "z"
    required = {**component, "inputDefinitions": {"parameters": {"word": word}}}
    with pytest.raises(UsageError, match="one: no value for the input 'word'"):
        run(tmp_path, package(one=(required, task, container)))


def test_two_simulations_in_one_folder_do_not_meet(tmp_path: Path) -> None:
    with locked(tmp_path / ".lock", wait=False), pytest.raises(UsageError, match="another simulation works there"):
        run(tmp_path, package(one=step("a")))


def test_a_folder_that_is_a_file_and_a_root_that_is_no_object_store_are_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="file: cannot be used: File exists"):
        run(tmp_path / "file", package(one=step("a")))
    given = package(one=step("a"))
    given.spec["defaultPipelineRoot"] = "/mnt/artifacts"
    with pytest.raises(UsageError, match="/mnt/artifacts"):
        run(tmp_path / "out", given)


def _killed(tmp_path: Path, given: Package, how: int) -> subprocess.Popen[str]:
    """A simulation of its own process, sent a signal while its second step waits."""
    write_package(given, tmp_path / "words.yaml")
    command = [sys.executable, "-m", "pipeline.cli", "kubeflow", "simulate", "words.yaml", "--out", "out"]
    process = subprocess.Popen(
        command,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    deadline = time.monotonic() + 120
    while not list((tmp_path / "out/pods").glob("*/two/pid")):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(how)
    process.wait()
    return process


def _slow() -> Package:
    component, task, container = step("b", "one")
    script = (
        "import os, pathlib, time\npathlib.Path('pid').write_text(str(os.getpid()))\ntime.sleep(5)\n"
        "pathlib.Path('late').touch()\n" + COPY
    )
    return package(one=step("a"), two=(component, task, {**container, "command": [sys.executable, "-c", script]}))


def test_what_a_killed_simulation_left_is_no_result(tmp_path: Path) -> None:
    given = _slow()
    _killed(tmp_path, given, signal.SIGKILL)
    [record] = list_runs(tmp_path / "out")
    assert record.status == "killed"
    assert states(record) == {"one": "ran"}
    # The orphan of the killed simulation is still at work while this one is.
    finished = run(tmp_path / "out", given)
    assert states(finished) == {"one": "cached", "two": "ran"}
    assert text(finished, "two") == "ab"


def test_a_simulation_that_is_told_to_end_takes_its_step_with_it(tmp_path: Path) -> None:
    process = _killed(tmp_path, _slow(), signal.SIGTERM)
    assert process.returncode == 130
    assert process.stdout is not None
    assert "interrupted" in process.stdout.read()
    [pid] = (tmp_path / "out/pods").glob("*/two/pid")
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)
    [record] = list_runs(tmp_path / "out")
    assert (record.status, record.exit_code) == ("interrupted", 130)


@pytest.mark.parametrize("root", [5, {"dag": 5}])
def test_data_for_a_file_that_no_cluster_would_take(tmp_path: Path, root: Any) -> None:
    given = package(one=step("a"))
    with pytest.raises(UsageError, match=r"^pipeline spec: .* the cluster's parser takes no such thing"):
        for_data(Package({**given.spec, "root": root}, {}), tmp_path)


def reader(component: dict[str, Any], settings: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Component and task of a step that is told where the data are, and how they are to be read."""
    values = {"input_base": "/mnt/films", "settings": settings}
    component = {**component, "inputDefinitions": {"parameters": {key: {"parameterType": "STRING"} for key in values}}}
    constants = {key: {"runtimeValue": {"constant": value}} for key, value in values.items()}
    return component, {"inputs": {"parameters": constants}}


def test_data_give_the_step_that_reads_them_their_fingerprint(tmp_path: Path, write_pairs: Callable[..., Path]) -> None:
    data, root = DataSettings(layout="folders", height=16, width=16), write_pairs(tmp_path / "data", 1)
    component, task, container = step("a")
    component, task = reader(component, data.model_dump_json())
    keyed = for_data(package(reads=(component, task, container), follows=step("b", source="reads")), root)
    tasks = keyed.spec["root"]["dag"]["tasks"]
    assert tasks["reads"]["inputs"]["parameters"]["files"]["runtimeValue"]["constant"] == fingerprint(root, data)
    assert "parameters" not in tasks["follows"]["inputs"]


@pytest.mark.parametrize("settings", [None, "no JSON", '{"layout": "folders"}'])
def test_data_for_a_pipeline_that_reads_none(tmp_path: Path, settings: str | None) -> None:
    component, task, container = step("a")
    if settings:
        component, task = reader(component, settings)
    none = "--data: the pipeline has no ImageMaskExampleGen with settings"
    with pytest.raises(UsageError, match="compiled by an earlier one, or edited" if settings else none):
        for_data(package(one=(component, task, container)), tmp_path)


def test_the_help_names_sections_of_the_config_and_the_releases() -> None:
    said = CliRunner().invoke(kubeflow_app, ["simulate", "--help"], env={"COLUMNS": "200"}).stdout
    assert "[data] input as this machine sees it" in said
    assert "2.4, 2.5, 2.15, 2.17" in said
    assert "[default: 2.17]" in said


class TestSecrets:
    """A step that gets the variable ARCHIVE_PASSWORD from a secret of the cluster."""

    @pytest.fixture
    def given(self) -> Package:
        component, task, container = step("a")
        script = COPY.replace("sys.argv[1:]", "(*sys.argv[1:3], os.environ['ARCHIVE_PASSWORD'])")
        steps = package(one=(component, task, {**container, "command": [sys.executable, "-c", script]}))
        secret = {"secretName": "archive", "keyToEnv": [{"secretKey": "password", "envVar": "ARCHIVE_PASSWORD"}]}
        executors = {"one_executor": {"secretAsEnv": [secret]}}
        return Package(steps.spec, {"platforms": {"kubernetes": {"deploymentSpec": {"executors": executors}}}})

    def test_a_process_gets_it_from_this_machine(
        self, tmp_path: Path, given: Package, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("ARCHIVE_PASSWORD", "sesame")
        assert text(run(tmp_path, given), "one") == "sesame"

    def test_a_container_gets_it_by_name(self, tmp_path: Path, given: Package, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("ARCHIVE_PASSWORD", "sesame")
        tool = tmp_path / "docker"
        tool.write_text('#!/bin/sh\necho "$@" env:$ARCHIVE_PASSWORD\n')
        tool.chmod(0o755)
        [task] = parse_pipeline(given).tasks
        with (tmp_path / "log").open("wb") as log:
            assert Containers(str(tool), "", {}).run(task, ["true"], tmp_path, log) == 0
        said = (tmp_path / "log").read_text()
        assert "--env ARCHIVE_PASSWORD busybox:1" in said
        assert said.count("sesame") == said.count("env:sesame") == 1

    @pytest.mark.parametrize("runtime", [Processes(), Containers("docker", "", {})])
    def test_without_it_nothing_is_run(
        self, tmp_path: Path, given: Package, monkeypatch: pytest.MonkeyPatch, runtime: Any
    ) -> None:
        monkeypatch.delenv("ARCHIVE_PASSWORD", raising=False)
        with pytest.raises(UsageError, match=r"one: ARCHIVE_PASSWORD comes from a secret .*export ARCHIVE_PASSWORD"):
            simulate(Simulation(given, tmp_path / "out", runtime, {}), RunConsole(io.StringIO()))
        assert not (tmp_path / "out").exists()


def test_a_package_is_left_as_it_was(tmp_path: Path) -> None:
    given = package(one=step("a"))
    before = copy.deepcopy(given)
    run(tmp_path, given)
    assert given == before
