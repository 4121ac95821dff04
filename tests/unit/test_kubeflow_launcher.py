"""What the simulator does in place of Kubeflow's launcher: placeholders, files, metadata, retries."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format
from google.protobuf.struct_pb2 import Value
from kfp.pipeline_spec import pipeline_spec_pb2 as pb

from components.errors import UsageError
from pipeline.kubeflow.simulator.backend import BACKENDS, Backend, backend_of
from pipeline.kubeflow.simulator.driver import OUTPUT_FILE
from pipeline.kubeflow.simulator.launcher import Launcher, StepFailed, merged, with_defaults
from pipeline.kubeflow.simulator.placeholders import filled
from pipeline.kubeflow.simulator.pod import Processes, pairs, runtime_of
from pipeline.kubeflow.simulator.store import Store, as_recorded
from pipeline.kubeflow.simulator.tasks import Task

MODEL = "minio://b/root/Trainer/salt/model"
GIVEN: dict[str, Any] = {
    "inputs": {
        "parameterValues": {"epochs": 5, "rate": 0.25, "name": "a {{$}}", "flag": True, "sizes": [1, 2.5]},
        "artifacts": {"examples": {"artifacts": [{"name": "1", "uri": "s3://b/examples"}]}},
    },
    "outputs": {
        "artifacts": {"model": {"artifacts": [{"uri": MODEL, "type": {"instanceSchema": "title: tfx.Model"}}]}},
        "outputFile": OUTPUT_FILE,
    },
}


def given(document: dict[str, Any] = GIVEN) -> pb.ExecutorInput:
    return json_format.ParseDict(document, pb.ExecutorInput())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("--epochs={{$.inputs.parameters['epochs']}}", "--epochs=5"),
        ("{{$.inputs.parameters['rate']}}", "0.25"),
        ("{{$.inputs.parameters['name']}}", "a {{$}}"),
        ("{{$.inputs.parameters['flag']}}", "true"),
        ("{{$.inputs.parameters['sizes']}}", "[1,2.5]"),
        ("{{$.inputs.artifacts['examples'].uri}}", "s3://b/examples"),
        ("{{$.inputs.artifacts['examples'].path}}", "/pod/s3/b/examples"),
        ("{{$.outputs.artifacts['model'].path}}/x", "/pod/minio/b/root/Trainer/salt/model/x"),
        ("{{$.inputs.parameters['other']}}", "{{$.inputs.parameters['other']}}"),
    ],
)
def test_placeholders_are_filled_as_the_launcher_fills_them(text: str, expected: str) -> None:
    assert filled([text], given(), Path("/pod")) == [expected]


def test_the_whole_input_is_json_that_reads_back_to_itself() -> None:
    document = {**GIVEN, "inputs": {"parameterValues": {"name": "Zeile\n\"ü\" '{}'"}}}
    [text] = filled(["{{$}}"], given(document), Path("/pod"))
    assert json_format.Parse(text, pb.ExecutorInput()) == given(document)


def test_in_the_whole_input_placeholders_are_filled_too_and_in_other_values_they_are_not() -> None:
    """From 2.14 on the launcher puts in the whole first, then the rest; of the rest the order is a matter of chance."""
    values = {"epochs": 5, "name": "{{$.inputs.parameters['epochs']}} epochs"}
    filled_in = given({"inputs": {"parameterValues": values}})
    whole, name = filled(["{{$}}", "{{$.inputs.parameters['name']}}"], filled_in, Path("/pod"))
    assert json_format.Parse(whole, pb.ExecutorInput()).inputs.parameter_values["name"].string_value == "5 epochs"
    assert name == "{{$.inputs.parameters['epochs']}} epochs"


def test_parameters_without_a_value_have_that_of_the_component() -> None:
    component = json_format.ParseDict(
        {"inputDefinitions": {"parameters": {"note": {"defaultValue": "none"}, "rate": {"defaultValue": 1}, "x": {}}}},
        pb.ComponentSpec(),
    )
    before = given()
    values = json_format.MessageToDict(with_defaults(before, component))["inputs"]["parameterValues"]
    assert values == {**GIVEN["inputs"]["parameterValues"], "note": "none"}
    assert before == given()


def task(script: str, retries: int = 0) -> Task:
    container = pb.PipelineDeploymentConfig.PipelineContainerSpec(command=[sys.executable, "-c"], args=[script])
    spec = pb.PipelineTaskSpec()
    spec.retry_policy.max_retry_count = retries
    spec.retry_policy.backoff_max_duration.FromSeconds(3600)
    return Task("Trainer", spec, pb.ComponentSpec(), container, {})


@pytest.fixture
def launcher_of(tmp_path: Path) -> Callable[[Backend], Launcher]:
    (tmp_path / "logs").mkdir()
    return lambda backend: Launcher("demo", Store(tmp_path), Processes(), backend, tmp_path / "pods", tmp_path / "logs")


@pytest.fixture
def launcher(launcher_of: Callable[[Backend], Launcher]) -> Launcher:
    """Of the release whose driver gives what is in `GIVEN`."""
    return launcher_of(backend_of("2.4"))


WRITES = f"""
import json, os, pathlib
root = pathlib.Path(os.environ["MASKLINE_KFP_ROOT"])
model = root / "minio/b/root/Trainer/salt/model"
(model / "empty").mkdir(parents=True)
(model / "weights").write_text("w")
output = {{"artifacts": {{"model": {{"artifacts": [{{"metadata": {{"blessed": 1.0, "reason": "x"}}}}]}}}}}}
(root / {OUTPUT_FILE.lstrip("/")!r}).write_text(json.dumps(output))
"""


def test_outputs_are_uploaded_and_their_metadata_reach_the_next_step(launcher: Launcher, tmp_path: Path) -> None:
    finished = launcher.launch(task(WRITES), given(), "key")
    artifact = finished.artifacts["model"]
    assert (artifact.uri, artifact.name) == (MODEL, "1")
    metadata = json_format.MessageToDict(artifact.metadata)
    assert {"blessed": 1.0, "reason": "x", "display_name": "model"}.items() <= metadata.items()
    launcher.store.download(MODEL, tmp_path / "next")
    copied = sorted(path.name for path in (tmp_path / "next").rglob("*"))
    # As in an object store: an empty folder is nothing.
    assert copied == ["Trainer", "b", "minio", "model", "root", "salt", "weights"]
    assert launcher.store.cached("demo", "key") == finished
    assert launcher.store.cached("other", "key") is None
    assert not (tmp_path / "pods" / "Trainer").exists()


class TestLogs:
    """Steps that get the output `executor-logs`, in one go and in three, of which the last goes well."""

    ADDRESS = "minio://b/root/Trainer/salt/executor-logs"
    SCRIPT = """
import os, pathlib, sys
attempts = pathlib.Path(os.environ["MASKLINE_KFP_ROOT"], "../../attempts")
attempts.open("a").write("x")
number = len(attempts.read_text())
[log] = pathlib.Path(os.environ["MASKLINE_KFP_ROOT"], "minio/b/root/Trainer/salt").iterdir()
print(number, log.name, log.is_file(), oct(log.stat().st_mode & 0o777))
raise SystemExit(number < LAST)
"""

    @pytest.fixture(params=[backend for backend in BACKENDS if backend.publishes_logs], ids=lambda item: item.release)
    def backend(self, request: pytest.FixtureRequest) -> Backend:
        return request.param

    def given(self) -> pb.ExecutorInput:
        logs = {"artifacts": [{"uri": self.ADDRESS, "type": {"schemaTitle": "system.Artifact"}}]}
        return given({"outputs": {"artifacts": {"executor-logs": logs}, "outputFile": OUTPUT_FILE}})

    def stored(self, launcher: Launcher) -> dict[str, str]:
        folder = launcher.store.path(self.ADDRESS).parent
        return {path.name: path.read_text() for path in sorted(folder.glob("*"))}

    def test_the_file_is_there_before_the_command_and_has_what_it_printed_after(
        self, launcher_of: Callable[[Backend], Launcher], backend: Backend
    ) -> None:
        launcher = launcher_of(backend)
        finished = launcher.launch(task(self.SCRIPT.replace("LAST", "1")), self.given(), "key")
        name = "executor-logs-0" if backend.numbers_logs else "executor-logs"
        printed = f"1 {name} True 0o666\n"
        assert self.stored(launcher) == {name: printed}
        assert launcher.log(task("")).read_text() == printed
        artifact = finished.artifacts["executor-logs"]
        assert artifact.uri.rpartition("/")[2] == name
        assert json_format.MessageToDict(artifact.metadata)["display_name"] == "executor-logs"
        assert launcher.store.cached("demo", "key") == finished

    def test_a_retry_has_the_log_or_one_of_its_own_and_that_of_a_failed_one_is_kept_with_a_number_alone(
        self, launcher_of: Callable[[Backend], Launcher], backend: Backend
    ) -> None:
        launcher = launcher_of(backend)
        finished = launcher.launch(task(self.SCRIPT.replace("LAST", "3"), retries=2), self.given(), "")
        if backend.numbers_logs:
            expected = {
                f"executor-logs-{retry}": f"{retry + 1} executor-logs-{retry} True 0o666\n" for retry in range(3)
            }
        else:
            expected = {"executor-logs": "3 executor-logs True 0o666\n"}
        assert self.stored(launcher) == expected
        # Every upload is an artifact of its own in the metadata store.
        assert finished.artifacts["executor-logs"].name == str(len(expected))

    def test_what_a_failed_step_has_made_is_not_kept_beside_its_log(
        self, launcher_of: Callable[[Backend], Launcher], backend: Backend
    ) -> None:
        launcher = launcher_of(backend)
        told = self.given()
        told.outputs.artifacts["model"].artifacts.add(uri=MODEL)
        with pytest.raises(StepFailed):
            launcher.launch(task(f"{WRITES}\nprint('why')\n1/0"), told, "key")
        assert not launcher.store.path(MODEL).exists()
        kept = self.stored(launcher)
        assert list(kept) == (["executor-logs-0"] if backend.numbers_logs else [])
        assert all(text.startswith("why\nTraceback") for text in kept.values())
        assert launcher.store.cached("demo", "key") is None


def test_an_output_that_is_a_file_comes_back_as_a_file(launcher: Launcher, tmp_path: Path) -> None:
    (tmp_path / "minio/b/root").mkdir(parents=True)
    (tmp_path / "minio/b/root/report").write_text("good")
    launcher.store.upload("minio://b/root/report", tmp_path)
    launcher.store.download("minio://b/root/report", tmp_path / "next")
    assert (tmp_path / "next/minio/b/root/report").read_text() == "good"


@pytest.mark.parametrize("code", [1, 2, 4])
def test_a_failed_step_leaves_its_code_and_its_last_lines_and_no_result(launcher: Launcher, code: int) -> None:
    script = f"{WRITES}\nprint('why it failed')\nraise SystemExit({code})"
    with pytest.raises(StepFailed, match=f"Trainer: ended with code {code}: why it failed") as failure:
        launcher.launch(task(script), given(), "key")
    assert failure.value.exit_code == code
    assert launcher.store.cached("demo", "key") is None
    assert not launcher.store.path(MODEL).exists()


def test_the_last_word_that_the_step_left_comes_before_its_log(launcher: Launcher) -> None:
    script = "import os; open(os.environ['MASKLINE_KFP_ROOT'] + '/dev/termination-log', 'w').write('no data'); 1/0"
    with pytest.raises(StepFailed, match=r"ended with code 1: no data$"):
        launcher.launch(task(script), given(), "")


def test_a_step_is_run_again_as_often_as_its_policy_says_each_time_in_a_new_place(
    launcher: Launcher, tmp_path: Path
) -> None:
    script = f"""
import os, pathlib
count = pathlib.Path({str(tmp_path / "count")!r})
count.open("a").write("x")
rubbish = pathlib.Path(os.environ["MASKLINE_KFP_ROOT"]) / "rubbish"
assert not rubbish.exists()
rubbish.touch()
raise SystemExit(len(count.read_text()) < 3)
"""
    begin = time.monotonic()
    again = task(script, retries=1)
    again.spec.retry_policy.backoff_duration.FromMilliseconds(300)
    with pytest.raises(StepFailed):
        launcher.launch(again, given(), "")
    assert (tmp_path / "count").read_text() == "xx"
    assert time.monotonic() - begin >= 0.3
    (tmp_path / "count").unlink()
    launcher.launch(task(script, retries=2), given(), "")
    assert (tmp_path / "count").read_text() == "xxx"


@pytest.mark.parametrize(("factor", "expected"), [(0, [0.4, 0.4]), (2, [0.4, 0.8])])
def test_waits_grow_by_the_factor_of_the_policy_alone(
    launcher: Launcher, monkeypatch: pytest.MonkeyPatch, factor: float, expected: list[float]
) -> None:
    """As in Argo, where a factor that is not given is none."""
    again = task("1/0", retries=2)
    again.spec.retry_policy.backoff_duration.FromMilliseconds(400)
    again.spec.retry_policy.backoff_factor = factor
    waits: list[float] = []
    monkeypatch.setattr("tenacity.nap.time.sleep", waits.append)
    with pytest.raises(StepFailed):
        launcher.launch(again, given(), "")
    assert waits == pytest.approx(expected)


@pytest.mark.parametrize(("deadline", "attempts"), [(3600, 2), (0.5, 1), (0, 1)])
def test_the_max_duration_is_a_deadline_counted_from_the_start_of_the_first_attempt(
    launcher: Launcher, tmp_path: Path, deadline: float, attempts: int
) -> None:
    """As in Argo. The first attempt takes 0.6 s."""
    script = f"import pathlib, time; pathlib.Path({str(tmp_path / 'count')!r}).open('a').write('x')"
    slow = task(f"{script}; time.sleep(0.6); 1/0", retries=1)
    slow.spec.retry_policy.backoff_max_duration.FromMilliseconds(round(1000 * deadline))
    with pytest.raises(StepFailed):
        launcher.launch(slow, given(), "")
    assert (tmp_path / "count").read_text() == attempts * "x"


def test_an_attempt_that_would_begin_after_the_deadline_is_not_waited_for(launcher: Launcher) -> None:
    begin = time.monotonic()
    again = task("1/0", retries=1)
    again.spec.retry_policy.backoff_duration.FromSeconds(20)
    again.spec.retry_policy.backoff_max_duration.FromSeconds(15)
    with pytest.raises(StepFailed):
        launcher.launch(again, given(), "")
    assert time.monotonic() - begin < 20


def test_a_command_that_is_not_here_is_named(launcher: Launcher) -> None:
    missing = task("")
    missing.container.command[0] = "no-such-command"
    with pytest.raises(UsageError, match="Trainer: no-such-command cannot be run here"):
        launcher.launch(missing, given(), "")


def test_the_metadata_store_forgets_types_and_turns_truth_values_into_numbers() -> None:
    artifact = pb.RuntimeArtifact(uri=MODEL, type=pb.ArtifactTypeSchema(instance_schema="title: tfx.Model"))
    artifact.metadata.update({"good": True, "splits": {"train": 1}, "sizes": [1], "text": "", "display_name": "mine"})
    recorded = as_recorded("model", artifact, 12)
    assert (recorded.name, recorded.type.instance_schema) == ("12", "")
    assert json_format.MessageToDict(recorded.metadata) == {
        "good": 1.0,
        "splits": {"struct": {"train": 1.0}},
        "sizes": {"list": [1.0]},
        "text": "",
        "display_name": "mine",
        "store_session_info": "{}",
    }
    artifact.metadata.fields["nothing"].null_value = 0
    with pytest.raises(ValueError, match="'nothing': null is not supported"):
        as_recorded("model", artifact, 13)


def test_what_a_step_reports_is_added_to_what_was_provided_for() -> None:
    provided = pb.RuntimeArtifact(uri=MODEL)
    provided.metadata.update({"kept": 1, "changed": 1})
    own = pb.RuntimeArtifact()
    own.metadata.update({"changed": 2})
    assert merged(provided, own).uri == MODEL
    assert json_format.MessageToDict(merged(provided, own).metadata) == {"kept": 1.0, "changed": 2.0}
    assert merged(provided, pb.RuntimeArtifact(uri="s3://other")).uri == "s3://other"
    assert merged(provided, None) == provided


def test_numbers_of_artifacts_are_never_given_twice(tmp_path: Path) -> None:
    artifacts = {"model": pb.RuntimeArtifact(uri=MODEL)}
    first = Store(tmp_path).record("demo", "a", {"loss": Value(number_value=0.5)}, artifacts)
    second = Store(tmp_path).record("demo", "b", {}, artifacts)
    assert [item.artifacts["model"].name for item in (first, second)] == ["1", "2"]
    assert Store(tmp_path).cached("demo", "a") == first


def test_options_that_make_no_sense_are_refused(tmp_path: Path) -> None:
    assert pairs("--parameter", ["a=b=c", "d="]) == {"a": "b=c", "d": ""}
    for wrong in ("a", "=b"):
        with pytest.raises(UsageError, match=f"--parameter {wrong}: expected NAME=VALUE"):
            pairs("--parameter", [wrong])
    with pytest.raises(UsageError, match="--mount goes with --image"):
        runtime_of(None, ["films=/mnt"])
    assert runtime_of(None, []) == Processes()
