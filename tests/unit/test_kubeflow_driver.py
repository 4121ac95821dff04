"""What the simulator does in place of Kubeflow's driver: parameters, artifacts, the key of the cache."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from google.protobuf import json_format
from google.protobuf.struct_pb2 import Value
from kfp.pipeline_spec import pipeline_spec_pb2 as pb

from components.errors import UsageError
from pipeline.kubeflow.simulator.backend import BACKENDS, NEWEST, Backend, backend_of
from pipeline.kubeflow.simulator.driver import Finished, RunContext, digest, executor_input, fingerprint, run_parameters
from pipeline.kubeflow.simulator.tasks import Task

RUN = RunContext("0b5c", "nightly", "minio://b/root/demo/0b5c", {"epochs": Value(number_value=5)})

COMPONENT: dict[str, Any] = {
    "executorLabel": "Trainer_executor",
    "inputDefinitions": {
        "artifacts": {"examples": {"artifactType": {"instanceSchema": "title: tfx.Examples"}}},
        "parameters": {
            "epochs": {"parameterType": "NUMBER_INTEGER"},
            "run": {"parameterType": "STRING"},
            "note": {"parameterType": "STRING", "defaultValue": "none", "isOptional": True},
        },
    },
    "outputDefinitions": {
        "artifacts": {"model": {"artifactType": {"instanceSchema": "title: tfx.Model"}}},
        "parameters": {"loss": {"parameterType": "NUMBER_DOUBLE"}},
    },
}
SPEC: dict[str, Any] = {
    "componentRef": {"name": "Trainer"},
    "inputs": {
        "artifacts": {"examples": {"taskOutputArtifact": {"producerTask": "Gen", "outputArtifactKey": "examples"}}},
        "parameters": {
            "epochs": {"componentInputParameter": "epochs"},
            "run": {"runtimeValue": {"constant": "{{$.pipeline_job_uuid}}"}},
        },
    },
}
EXAMPLES = pb.RuntimeArtifact(name="7", uri="minio://b/root/demo/other/Gen/salt/examples")
FINISHED = {"Gen": Finished({"size": Value(number_value=32)}, {"examples": EXAMPLES})}


def task(spec: dict[str, Any] = SPEC, component: dict[str, Any] = COMPONENT, volumes: Any = None) -> Task:
    container = pb.PipelineDeploymentConfig.PipelineContainerSpec(
        image="maskline:1", command=["python"], args=["{{$}}"]
    )
    return Task(
        "Trainer",
        json_format.ParseDict(spec, pb.PipelineTaskSpec()),
        json_format.ParseDict(component, pb.ComponentSpec()),
        container,
        volumes or {},
    )


def with_parameter(key: str, item: dict[str, Any]) -> dict[str, Any]:
    spec = copy.deepcopy(SPEC)
    spec["inputs"]["parameters"][key] = item
    return spec


def executor_input_of(step: Task, backend: Backend = NEWEST) -> pb.ExecutorInput:
    return executor_input(step, RUN, FINISHED, backend)


def test_parameters_come_from_the_run_and_the_constant() -> None:
    """And default values from the launcher: the driver's are part of the cache's key, they are not."""
    given = executor_input_of(task())
    values = {key: json_format.MessageToDict(value) for key, value in given.inputs.parameter_values.items()}
    assert values == {"epochs": 5.0, "run": "0b5c"}


def test_a_parameter_can_be_another_steps_output() -> None:
    spec = with_parameter("epochs", {"taskOutputParameter": {"producerTask": "Gen", "outputParameterKey": "size"}})
    assert executor_input_of(task(spec)).inputs.parameter_values["epochs"].number_value == 32


@pytest.mark.parametrize(
    ("placeholder", "value"),
    [
        ("{{$.pipeline_job_name}}", "nightly"),
        ("{{$.pipeline_job_uuid}}", "0b5c"),
        ("{{$.pipeline_task_name}}", "Trainer"),
        # The driver compares whole constants: within a text they stay as they are.
        ("run {{$.pipeline_job_uuid}}", "run {{$.pipeline_job_uuid}}"),
    ],
)
def test_special_constants_are_those_of_kubeflow(placeholder: str, value: str) -> None:
    spec = with_parameter("run", {"runtimeValue": {"constant": placeholder}})
    assert executor_input_of(task(spec)).inputs.parameter_values["run"].string_value == value


def test_a_number_for_a_string_is_written_out_and_a_string_for_a_number_is_refused() -> None:
    spec = with_parameter("run", {"runtimeValue": {"constant": 5}})
    assert executor_input_of(task(spec)).inputs.parameter_values["run"].string_value == "5"
    spec = with_parameter("epochs", {"runtimeValue": {"constant": "five"}})
    with pytest.raises(UsageError, match="Trainer: epochs: found five, expected NUMBER_INTEGER"):
        executor_input_of(task(spec))


def test_outputs_have_addresses_of_their_own_in_every_attempt_at_a_run() -> None:
    first, second = (executor_input_of(task()).outputs for _ in range(2))
    uris = [outputs.artifacts["model"].artifacts[0].uri for outputs in (first, second)]
    assert all(uri.startswith("minio://b/root/demo/0b5c/Trainer/") and uri.endswith("/model") for uri in uris)
    assert uris[0] != uris[1]
    assert first.artifacts["model"].artifacts[0].type.instance_schema == "title: tfx.Model"


LOGS = {"type": {"schemaTitle": "system.Artifact"}}
MODEL = {"type": {"instanceSchema": "title: tfx.Model"}}


@pytest.mark.parametrize(
    ("release", "artifacts", "file"),
    [
        ("2.4", {"model": MODEL}, "/tmp/kfp_outputs/output_metadata.json"),
        ("2.5", {"model": MODEL, "executor-logs": LOGS}, "/tmp/kfp_outputs/output_metadata.json"),
        *(
            (
                release,
                {"model": {"name": "model", **MODEL}, "executor-logs": {"name": "executor-logs", **LOGS}},
                "/minio/b/root/demo/0b5c/Trainer/SALT/output_metadata.json",
            )
            for release in ("2.15", "2.17")
        ),
    ],
)
def test_outputs_are_those_of_the_release(release: str, artifacts: dict[str, Any], file: str) -> None:
    """As the driver of the release writes them: the log that no component declares, names, the file of results."""
    outputs = json_format.MessageToDict(executor_input_of(task(), backend_of(release)).outputs)
    [salt] = {items["artifacts"][0]["uri"].split("/")[-2] for items in outputs["artifacts"].values()}
    address = "minio://b/root/demo/0b5c/Trainer"
    assert outputs == {
        "artifacts": {key: {"artifacts": [{"uri": f"{address}/{salt}/{key}", **artifacts[key]}]} for key in artifacts},
        "parameters": {"loss": {"outputFile": "/tmp/kfp/outputs/loss"}},
        "outputFile": file.replace("SALT", salt),
    }


def test_a_release_is_one_of_those_that_differ() -> None:
    assert backend_of("2.17") is NEWEST
    with pytest.raises(UsageError, match=r"--backend 2\.14: expected one of 2\.4, 2\.5, 2\.15, 2\.17"):
        backend_of("2.14")


def test_parameters_of_the_run_are_checked_against_the_pipeline() -> None:
    spec = json_format.ParseDict(
        {
            "parameters": {
                "epochs": {"parameterType": "NUMBER_INTEGER"},
                "name": {"parameterType": "STRING", "defaultValue": "x"},
            }
        },
        pb.ComponentInputsSpec(),
    )
    values = run_parameters(spec, {"epochs": "5"})
    assert (values["epochs"].number_value, values["name"].string_value) == (5, "x")
    assert run_parameters(spec, {"epochs": "5", "name": "5"})["name"].string_value == "5"
    with pytest.raises(UsageError, match=r"epochs: the pipeline needs a value .*--parameter epochs=VALUE"):
        run_parameters(spec, {})
    with pytest.raises(UsageError, match=r"rate: no such parameter\. The pipeline has epochs, name"):
        run_parameters(spec, {"epochs": "5", "rate": "1"})
    for wrong in ('"five"', "five", "true", "[" * 5000, "9" * 5000):
        with pytest.raises(UsageError, match="epochs: found"):
            run_parameters(spec, {"epochs": wrong})


KEY: dict[str, Any] = {
    "inputArtifactNames": {"dataset_one": {"artifactNames": ["1"]}, "dataset_two": {"artifactNames": ["2"]}},
    "inputParameterValues": {"message": "Some string value", "num_steps": 5.0},
    "outputArtifactsSpec": {
        "model": {
            "name": "model",
            "type": {
                "instanceSchema": "title: kfp.Model\ntype: object\nproperties:\n  framework:\n    type: string\n"
                "  framework_version:\n    type: string\n"
            },
            "metadata": {"name": "model"},
        },
        "metrics": {"name": "metrics", "type": {"schemaTitle": "kfp.Metrics"}, "metadata": {"name": "metrics"}},
    },
    "outputParametersSpec": {"output_parameter_one": "STRING", "output_parameter_two": "INT"},
    "containerSpec": {"image": "python:3.9", "cmdArgs": ["sh", "ec", "test"], "pvcNames": []},
}


def test_the_cache_key_is_hashed_as_kubeflow_hashes_it() -> None:
    """The expected value is that of Kubeflow's own test of its own implementation, in Go."""
    assert digest(KEY) == "4e8a5d7d70997b0a35429fcd481af8fcd5b9f58ef4391bdb6ad900fd1c63622b"


def test_an_empty_value_of_a_parameter_is_a_part_of_the_key() -> None:
    empty = {**KEY, "inputParameterValues": {**KEY["inputParameterValues"], "notice": ""}}
    assert digest(empty) != digest(KEY)


def test_the_fingerprint_knows_what_kubeflow_knows_and_no_more() -> None:
    def of(step: Task, examples: pb.RuntimeArtifact = EXAMPLES, backend: Backend = NEWEST) -> str:
        given = executor_input(step, RUN, {"Gen": Finished({}, {"examples": examples})}, backend)
        return fingerprint(step, given, backend)

    same = of(task())
    assert of(task()) == same, "the addresses of outputs are no part of it"
    moved = pb.RuntimeArtifact(name="7", uri="minio://elsewhere")
    assert of(task(), examples=moved) == same, "an input is known by its number"
    keyed = {**SPEC, "cachingOptions": {"enableCache": True, "cacheKey": "mine"}}
    assert of(task(keyed)) == same, "released servers overlook a task's own key"
    assert of(task(), examples=pb.RuntimeArtifact(name="8", uri=EXAMPLES.uri)) != same
    assert of(task(with_parameter("run", {"runtimeValue": {"constant": "x"}}))) != same
    assert of(task(volumes={"films": "/mnt"})) != same
    old = backend_of("2.5")
    assert of(task(volumes={"films": "/mnt"}), backend=old) == of(task(), backend=old), "claims count from 2.15 on"
    component = copy.deepcopy(COMPONENT)
    component["inputDefinitions"]["parameters"]["note"]["defaultValue"] = "other"
    assert of(task(component=component)) == same, "a default value is the launcher's matter"
    other = task()
    other.container.env.add(name="THREADS", value="2")
    assert of(other) == same, "the environment counts in none of these releases"
    other = task()
    other.container.image = "maskline:2"
    assert of(other) != same
    other = task()
    other.container.args.append("--runner=x")
    assert of(other) != same
    keys = [of(task(), backend=backend) for backend in BACKENDS]
    assert len(set(keys)) == 3, "outputs of Kubeflow's own count, and names; the number of an attempt does not"
    assert keys[2] == keys[3]
