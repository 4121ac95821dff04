"""The container's entrypoint: what executors are called with, and what becomes of their results."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kfp.pipeline_spec import pipeline_spec_pb2 as pb
from tfx.dsl.components.base.base_executor import BaseExecutor

from components.artifact_types import SplitReport
from components.code_version import code_version
from components.errors import DataRefused
from components.example_gen.listing import fingerprint
from components.example_gen.settings import DataSettings
from components.parallel import THREADS
from pipeline.kubeflow.container.entrypoint import main
from pipeline.kubeflow.container.invocation import read_invocation
from pipeline.kubeflow.container.parameters import check_code
from pipeline.kubeflow.container.uris import ROOT

CALLS: list[dict[str, Any]] = []


class Blessing(BaseExecutor):
    """Remembers how it was called, writes a file and sets properties, as the Evaluator does."""

    def Do(self, input_dict: dict, output_dict: dict, exec_properties: dict[str, Any]) -> None:
        [model] = input_dict["model"]
        [blessing] = output_dict["blessing"]
        CALLS.append({"inputs": input_dict, "parameters": exec_properties, "threads": os.environ.get(THREADS)})
        (Path(blessing.uri) / "BLESSED").touch()
        blessing.set_int_custom_property("blessed", 1)
        blessing.set_string_custom_property("current_model", f"{model.uri}/Format-Serving")
        blessing.set_int_custom_property("current_model_id", model.id)


class Refusing(BaseExecutor):
    """Writes half of its output, then refuses the data."""

    def Do(self, input_dict: dict, output_dict: dict, exec_properties: dict[str, Any]) -> None:
        (Path(output_dict["blessing"][0].uri) / "half").touch()
        raise DataRefused(["eval: two films of one woman", "test: no film"], {})


class Crashing(BaseExecutor):
    """Fails as code does."""

    def Do(self, input_dict: dict, output_dict: dict, exec_properties: dict[str, Any]) -> None:
        raise IndexError("list index out of range")


class Ingesting(BaseExecutor):
    """Stands for a file-based ExampleGen."""

    def Do(self, input_dict: dict, output_dict: dict, exec_properties: dict[str, Any]) -> None:
        CALLS.append({"parameters": exec_properties})


def artifact(title: str, uri: str, **fields: Any) -> dict[str, Any]:
    # As Kubeflow's driver gives it: an input has a number for a name, and its type is gone.
    return {"artifacts": [{"uri": uri, "type": {"instanceSchema": title and f"title: {title}"}, **fields}]}


INPUT: dict[str, Any] = {
    "inputs": {
        "parameterValues": {"epochs": 5, "rate": 0.5, "settings": "{}"},
        "artifacts": {
            "model": artifact("", "minio://b/run/Trainer/salt/model", name="17", metadata={"version": "3"}),
            "examples": artifact(
                "", "s3://b/examples", name="4", metadata={"split_names": '["train"]', "payload_format": "x", "n": 2}
            ),
            "split_report": artifact("", "gs://b/report", name="5"),
        },
    },
    "outputs": {
        "artifacts": {"blessing": artifact("tfx.ModelBlessing", "minio://b/run/Evaluator/salt/blessing")},
        "outputFile": "/tmp/kfp_outputs/output_metadata.json",
    },
}
SPEC: dict[str, Any] = {
    "artifacts": {
        "model": {"artifactType": {"instanceSchema": "title: tfx.Model"}},
        "examples": {"artifactType": {"instanceSchema": "title: tfx.Examples"}},
        "split_report": {"artifactType": {"instanceSchema": "title: maskline.SplitReport"}},
    },
    "parameters": {
        "epochs": {"parameterType": "NUMBER_INTEGER"},
        "rate": {"parameterType": "NUMBER_DOUBLE"},
        "settings": {"parameterType": "STRING"},
    },
}


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A pod's file system, as Kubernetes and the launcher have prepared it; the log is put back afterwards."""
    monkeypatch.setenv(ROOT, str(tmp_path))
    monkeypatch.delenv(THREADS, raising=False)
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev/termination-log").touch()
    CALLS.clear()
    handlers, level = logging.root.handlers[:], logging.root.level
    yield tmp_path
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)
    logging.captureWarnings(False)


def command(
    executor: type[BaseExecutor], given: dict[str, Any] = INPUT, spec: Any = SPEC, outputs: Any = ("blessing",)
) -> list[str]:
    return [
        *("--executor_class_path", f"{__name__}.{executor.__name__}"),
        *("--json_serialized_invocation_args", json.dumps(given)),
        *("--json_serialized_inputs_spec_args", json.dumps(spec)),
        *("--outputs", json.dumps(outputs)),
    ]


def call(executor: type[BaseExecutor], *beam: str, **options: Any) -> int:
    return main([*command(executor, **options), *beam])


def output_file(root: Path) -> Path:
    return root / "tmp/kfp_outputs/output_metadata.json"


def test_an_executor_gets_local_paths_types_and_properties(root: Path) -> None:
    assert call(Blessing) == 0
    inputs, parameters = CALLS[0]["inputs"], CALLS[0]["parameters"]
    [model], [examples], [report] = inputs["model"], inputs["examples"], inputs["split_report"]
    assert model.uri == f"{root}/minio/b/run/Trainer/salt/model"
    assert (examples.uri, report.uri) == (f"{root}/s3/b/examples", f"{root}/gcs/b/report")
    assert isinstance(report, SplitReport)
    assert model.get_string_custom_property("version") == "3"
    assert examples.split_names == '["train"]'
    assert examples.get_string_custom_property("payload_format") == "x"
    assert examples.get_int_custom_property("n") == 2
    assert parameters == {"epochs": 5, "rate": 0.5, "settings": "{}"}
    assert isinstance(parameters["epochs"], int)


def test_results_have_kubeflows_addresses_and_names_and_all_properties(root: Path) -> None:
    assert call(Blessing) == 0
    output = json.loads(output_file(root).read_text())
    [blessing] = output["artifacts"]["blessing"]["artifacts"]
    assert blessing["uri"] == "minio://b/run/Evaluator/salt/blessing"
    assert blessing["metadata"] == {
        "blessed": 1.0,
        "current_model": "minio://b/run/Trainer/salt/model/Format-Serving",
        "current_model_id": "17",
        "tfx_version": "1.16.0",
    }
    assert (root / "minio/b/run/Evaluator/salt/blessing/BLESSED").exists()


def test_properties_read_the_same_in_the_next_step(root: Path) -> None:
    assert call(Blessing) == 0
    written = json.loads(output_file(root).read_text())["artifacts"]["blessing"]["artifacts"][0]
    given = {"inputs": {"artifacts": {"blessing": artifact("", written["uri"], metadata=written["metadata"])}}}
    spec = {"artifacts": {"blessing": {"artifactType": {"instanceSchema": "title: tfx.ModelBlessing"}}}}
    [blessing] = read_invocation(json.dumps(given), json.dumps(spec), [], root).inputs["blessing"]
    assert blessing.get_int_custom_property("blessed") == 1
    assert blessing.get_string_custom_property("current_model_id") == "17"


class TestUndeclared:
    """What the driver hands to a step beside what the step's component declares."""

    LOGS = "minio://b/run/Evaluator/salt/executor-logs-0"

    @pytest.fixture
    def log(self, root: Path) -> Path:
        """The file of the log, as the launcher opens it before the step."""
        log = root / self.LOGS.replace("://", "/")
        log.parent.mkdir(parents=True)
        log.write_text("printed\n")
        return log

    def test_the_log_of_the_step_is_left_alone(self, root: Path, log: Path) -> None:
        """`executor-logs` as releases 2.5 to 2.17 give it, with the names and the file of results of 2.15 and later."""
        outputs = {"blessing": artifact("tfx.ModelBlessing", "minio://b/run/Evaluator/salt/blessing", name="blessing")}
        logs = {"name": "executor-logs", "uri": self.LOGS, "type": {"schemaTitle": "system.Artifact"}}
        file = "/minio/b/run/Evaluator/salt/output_metadata.json"
        artifacts = {**outputs, "executor-logs": {"artifacts": [logs]}}
        assert call(Blessing, given={**INPUT, "outputs": {"artifacts": artifacts, "outputFile": file}}) == 0
        assert log.read_text() == "printed\n"
        [written] = json.loads((root / file.lstrip("/")).read_text())["artifacts"].items()
        assert written[0] == "blessing"
        assert (root / "minio/b/run/Evaluator/salt/blessing/BLESSED").exists()

    @pytest.mark.parametrize("title", ["system.Artifact", "tfx.Model", "nowhere.Nothing", ""])
    def test_any_other_is_not_read_whatever_its_type(self, root: Path, title: str) -> None:
        other = artifact(title, "minio://b/run/Evaluator/salt/other", name="other")
        inputs = {
            "artifacts": {**INPUT["inputs"]["artifacts"], "other": other},
            "parameterValues": {**INPUT["inputs"]["parameterValues"], "other": None},
        }
        outputs = {**INPUT["outputs"], "artifacts": {**INPUT["outputs"]["artifacts"], "other": other}}
        assert call(Blessing, given={"inputs": inputs, "outputs": outputs}) == 0
        assert set(CALLS[0]["inputs"]) == set(SPEC["artifacts"])
        assert set(CALLS[0]["parameters"]) == set(SPEC["parameters"])
        assert not (root / "minio/b/run/Evaluator/salt/other").exists()
        assert set(json.loads(output_file(root).read_text())["artifacts"]) == {"blessing"}

    @pytest.mark.parametrize(
        ("arguments", "found"),
        [
            pytest.param([], "not given", id="as compiled before there was such an option"),
            *((["--outputs", value], value) for value in ("nope", "null", '"blessing"', "[1]")),
        ],
    )
    def test_a_file_that_does_not_declare_its_outputs_says_what_to_do(
        self, root: Path, arguments: list[str], found: str
    ) -> None:
        assert main([*command(Blessing)[:-2], *arguments]) == 2
        said = (root / "dev/termination-log").read_text()
        assert f"Blessing: --outputs is {found}, expected a JSON list" in said
        assert "Compile it anew" in said
        assert CALLS == []


@pytest.mark.parametrize(
    ("executor", "code", "message"),
    [
        (Refusing, 4, "DataRefused (exit code 4): eval: two films of one woman\ntest: no film"),
        (Crashing, 1, "IndexError (exit code 1): list index out of range\nA crash: the step's log has the traceback."),
    ],
)
def test_a_failure_leaves_its_code_one_line_and_a_last_word_but_no_results(
    root: Path, capsys: pytest.CaptureFixture[str], executor: type[BaseExecutor], code: int, message: str
) -> None:
    assert call(executor) == code
    assert not output_file(root).exists()
    assert (root / "dev/termination-log").read_text() == message
    last = json.loads(capsys.readouterr().err.splitlines()[-1])
    assert (last["severity"], last["message"]) == ("CRITICAL", message)
    assert "Traceback" in last["exception"]


def test_absolute_paths_are_read_and_written_where_they_are_and_come_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, root: Path
) -> None:
    """As in Kubeflow's local runner, whose containers have no launcher."""
    monkeypatch.delenv(ROOT)
    run = tmp_path / "out/demo-1"
    model = artifact("", str(run / "Trainer/model"), name="model")
    outputs = {
        "artifacts": {"blessing": artifact("tfx.ModelBlessing", str(run / "Evaluator/blessing"), name="blessing")},
        "outputFile": str(run / "Evaluator/executor_output.json"),
    }
    spec = {"artifacts": {"model": SPEC["artifacts"]["model"]}}
    assert call(Blessing, given={"inputs": {"artifacts": {"model": model}}, "outputs": outputs}, spec=spec) == 0
    assert [found.uri for found in CALLS[0]["inputs"]["model"]] == [str(run / "Trainer/model")]
    assert (run / "Evaluator/blessing/BLESSED").exists()
    output = json.loads((run / "Evaluator/executor_output.json").read_text())
    [blessing] = output["artifacts"]["blessing"]["artifacts"]
    assert blessing["uri"] == str(run / "Evaluator/blessing")
    assert blessing["metadata"]["current_model"] == str(run / "Trainer/model/Format-Serving")


def test_an_address_that_the_launcher_does_not_know_is_a_mistake_of_usage(root: Path) -> None:
    given = {**INPUT, "outputs": {"artifacts": {"blessing": artifact("tfx.ModelBlessing", "hdfs://x")}}}
    assert call(Blessing, given=given) == 2
    assert "hdfs://x" in (root / "dev/termination-log").read_text()


def test_worker_processes_have_one_thread_each_and_the_environment_decides_otherwise(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(THREADS, "7")
    assert call(Blessing) == 0
    assert call(Blessing, "--direct_running_mode=multi_processing", "--direct_num_workers=2") == 0
    assert [call["threads"] for call in CALLS] == ["7", "1"]


def ingest(folder: Path, files: str) -> int:
    config = {"splits": [{"name": "films", "pattern": "*.pgm"}]}
    settings = SETTINGS.model_dump_json()
    values = {"input_base": str(folder), "input_config": json.dumps(config), "files": files, "settings": settings}
    outputs = {
        "artifacts": {"examples": artifact("tfx.Examples", "minio://b/run/Gen/salt/examples")},
        "outputFile": "/tmp/kfp_outputs/output_metadata.json",
    }
    given = {"inputs": {"parameterValues": values}, "outputs": outputs}
    spec = {"parameters": {name: {"parameterType": "STRING"} for name in values}}
    return call(Ingesting, given=given, spec=spec, outputs=["examples"])


SETTINGS = DataSettings(layout="mias", height=64, width=64)


@pytest.fixture
def films(tmp_path: Path) -> Path:
    (tmp_path / "films").mkdir()
    for number in (1, 2):
        (tmp_path / f"films/mdb00{number}.pgm").write_bytes(b"P5 1 1 255 x")
    (tmp_path / "films/Info.txt").write_text("mdb001 G NORM")
    return tmp_path / "films"


def test_the_data_have_span_and_fingerprint_as_if_the_driver_had_run(root: Path, films: Path) -> None:
    assert ingest(films, "") == 0
    [examples] = json.loads(output_file(root).read_text())["artifacts"]["examples"]["artifacts"]
    # A span that is no property of the type's own instance is marked as custom by TFX.
    assert examples["metadata"]["custom:span"] == 0
    assert "num_files:2" in examples["metadata"]["input_fingerprint"]
    assert CALLS[0]["parameters"]["span"] == 0


def test_data_that_have_changed_since_the_run_was_submitted_are_refused(root: Path, films: Path) -> None:
    submitted = fingerprint(films, SETTINGS)
    assert ingest(films, submitted) == 0
    output_file(root).unlink()
    (films / "mdb002.pgm").write_bytes(b"P5 1 1 255 yy")
    assert ingest(films, submitted) == 1
    assert f"the run was submitted for {submitted}" in (root / "dev/termination-log").read_text()
    assert not output_file(root).exists()


REPORT, RUN = "components.run_report.executor", "components.trainer.run"
UNET = "components.trainer.models.unet"


class TestCode:
    """`RunReport` and the Trainer, of whom the image has other code than the pipeline was compiled with."""

    def runs(self, executor: str, values: dict[str, str]) -> int:
        given = {"inputs": {"parameterValues": values}, "outputs": INPUT["outputs"]}
        spec = {"parameters": {name: {"parameterType": "STRING"} for name in values}}
        return main(
            [
                *("--executor_class_path", executor),
                *("--json_serialized_invocation_args", json.dumps(given)),
                *("--json_serialized_inputs_spec_args", json.dumps(spec)),
                *("--outputs", json.dumps(["blessing"])),
            ]
        )

    @pytest.mark.parametrize(
        ("values", "installed"),
        [
            ({"code_version": f"0123456789ab of {REPORT}"}, code_version(REPORT)),
            (
                {"custom_config": json.dumps({"code_version": f"0123456789ab of {RUN}, {UNET}"})},
                code_version(RUN, UNET),
            ),
            ({"code_version": "0123456789ab of components.gone"}, "none (components.gone: no such module"),
            # As pipelines were compiled before versions named what they are of.
            ({"code_version": "0123456789ab"}, "none (an earlier version of Maskline compiled it)"),
        ],
    )
    def test_other_code_than_was_compiled_is_not_run(self, root: Path, values: dict[str, str], installed: str) -> None:
        assert self.runs(f"{REPORT}.Executor", values) == 2
        said = (root / "dev/termination-log").read_text()
        assert f"the installed code has the version {installed}" in said
        assert "compiled with 0123456789ab" in said
        assert "docker run IMAGE maskline kubeflow compile" in said
        assert not output_file(root).exists()

    def test_the_same_code_is_run(self) -> None:
        check_code({"code_version": code_version(REPORT)})
        check_code({"custom_config": json.dumps({"code_version": code_version(RUN, UNET)})})
        check_code({"stats_options_json": "{}"})


def test_the_protocol_buffer_is_the_one_that_kubeflow_reads(root: Path) -> None:
    from google.protobuf import json_format

    assert call(Blessing) == 0
    json_format.Parse(output_file(root).read_text(), pb.ExecutorOutput())
