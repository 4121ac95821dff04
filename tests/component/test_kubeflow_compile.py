"""Compiled for Kubeflow Pipelines: compared with a file that was read, and loaded by Kubeflow's own client."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from compiled import GOLDEN, RECIPE, nodes, without_contents
from google.protobuf import json_format
from kfp import components
from kfp.pipeline_spec import pipeline_spec_pb2
from tfx.orchestration.kubeflow.v2.container import kubeflow_v2_entrypoint_utils
from typer.testing import CliRunner

from components.errors import UsageError
from components.trainer import run
from components.trainer.version import trainer_version
from pipeline.cli.app import app
from pipeline.config.loader import load_config
from pipeline.config.root import Config
from pipeline.graph.pipeline import SCHEMA
from pipeline.kubeflow.spec.compile import compile_package, pipeline_name
from pipeline.kubeflow.spec.lint import lint
from pipeline.kubeflow.spec.package import Package, read_package, to_yaml


@pytest.fixture(scope="module")
def config() -> Config:
    return load_config(str(RECIPE))


@pytest.fixture(scope="module")
def package(config: Config) -> Package:
    return compile_package("kubeflow", config, None)


def constants(package: Package, task: str) -> dict[str, Any]:
    parameters = package.spec["root"]["dag"]["tasks"][task]["inputs"]["parameters"]
    return {key: value["runtimeValue"]["constant"] for key, value in parameters.items()}


def test_it_is_the_file_that_was_read(package: Package) -> None:
    """Where a change is meant: read what differs, then put the new text into tests/golden/kubeflow.yaml."""
    assert to_yaml(without_contents(package)) == GOLDEN.read_text(encoding="utf-8")


def test_the_same_recipe_gives_the_same_bytes(package: Package, config: Config) -> None:
    assert to_yaml(compile_package("kubeflow", config, None)) == to_yaml(package)


def test_kubeflows_client_loads_it(package: Package, tmp_path: Path) -> None:
    (tmp_path / "compiled.yaml").write_text(to_yaml(package), encoding="utf-8")
    loaded = components.load_component_from_file(str(tmp_path / "compiled.yaml"))
    assert set(loaded.pipeline_spec.root.dag.tasks) == set(nodes().traits)
    expected = json_format.ParseDict(package.spec, pipeline_spec_pb2.PipelineSpec())
    assert loaded.pipeline_spec == expected
    platform = json_format.ParseDict(package.platform, pipeline_spec_pb2.PlatformSpec())
    assert loaded.platform_spec == platform


def test_faster_engines_are_made_there_too(package: Package, tmp_path: Path) -> None:
    engines = 'serving.engines=["openvino-bfloat16"]'
    found = compile_package("kubeflow", load_config(str(RECIPE), [engines]), None)
    (tmp_path / "compiled.yaml").write_text(to_yaml(found), encoding="utf-8")
    components.load_component_from_file(str(tmp_path / "compiled.yaml"))
    tasks, before = (each.spec["root"]["dag"]["tasks"] for each in (found, package))
    assert tasks.keys() - before.keys() == {"EngineExporter"}
    artifact = tasks["Pusher"]["inputs"]["artifacts"]["engines"]["taskOutputArtifact"]
    assert artifact == {"outputArtifactKey": "engines", "producerTask": "EngineExporter"}
    assert json.loads(constants(found, "EngineExporter")["settings"])["engines"] == ["openvino-bfloat16"]


def test_the_sections_reach_their_nodes_whole(package: Package, config: Config) -> None:
    trainer = json.loads(constants(package, "Trainer")["custom_config"])
    assert trainer["settings"] == config.trainer.model_dump()
    assert trainer["code_version"] == trainer_version(config.trainer)
    assert constants(package, "Trainer")["run_fn"] == f"{run.__name__}.run_fn"
    assert json.loads(constants(package, "Pusher")["settings"])["config"] == config.model_dump()
    assert json.loads(constants(package, "Evaluator")["settings"]) == config.evaluator.model_dump()


def test_tfx_reads_the_types_of_the_parameters_from_the_shortened_argument(package: Package) -> None:
    for task in nodes().traits:
        container = package.spec["deploymentSpec"]["executors"][f"{task}_executor"]["container"]
        inputs = pipeline_spec_pb2.ComponentInputsSpec()
        json_format.Parse(container["args"][5], inputs)
        values = pipeline_spec_pb2.ExecutorInput()
        json_format.ParseDict({"inputs": {"parameterValues": constants(package, task)}}, values)
        found = kubeflow_v2_entrypoint_utils.parse_execution_properties(
            values.inputs.parameter_values, values.inputs.parameters, inputs
        )
        assert found == constants(package, task)
        assert set(inputs.parameters) == set(found)


def test_what_is_known_at_run_time_alone_is_left_open(package: Package) -> None:
    assert "champion_version" not in constants(package, "ChampionResolver")
    assert constants(package, "Pusher")["run"] == "{{$.pipeline_job_uuid}}"
    examples = constants(package, "ImageMaskExampleGen")
    assert (examples["files"], examples["serving_dir"]) == ("", "/mnt/serving/breast")
    assert "held_out" not in examples


def test_the_schema_is_named_by_its_contents(config: Config, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    changed = tmp_path / SCHEMA.name
    changed.write_bytes(SCHEMA.read_bytes() + b"\n")
    before = compile_package("kubeflow", config, None)
    monkeypatch.setattr("pipeline.graph.pipeline.SCHEMA", changed)
    after = compile_package("kubeflow", config, None)
    names = [constants(package, "ImportSchemaGen")["schema_file"] for package in (before, after)]
    assert all(name.startswith("package:schemas/image_mask.pbtxt#") for name in names)
    assert len({name.partition("#")[2] for name in names}) == 2


def test_processes_of_a_node_do_not_depend_on_the_machine_that_compiles() -> None:
    config = load_config(str(RECIPE), ["execution.parallel=processes", "execution.workers=0"])
    executors = compile_package("kubeflow", config, None).spec["deploymentSpec"]["executors"]
    container = executors["Augmentor_executor"]["container"]
    assert "--direct_num_workers=0" in container["args"]
    assert container["env"] == [{"name": "MASKLINE_THREADS", "value": "1"}]


def test_the_options_data_wins_over_the_recipe(config: Config) -> None:
    package = compile_package("kubeflow", config, "/mnt/films/other/")
    assert constants(package, "ImageMaskExampleGen")["input_base"] == "/mnt/films/other"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("data.input=''", r"no path of the data: set --data DIR, or \[data\] input, as the containers see it"),
        ("data.input=films", "films: expected an absolute path of the data"),
        ("serving.destination=''", r"no path of the served models: set \[serving\] destination"),
        ("execution.beam=flink", r"\[execution\] beam = 'flink': .* Set it to \"local\""),
        ("execution.beam={runner='portable'}", r"\[execution\] beam = 'portable'"),
        ("kubeflow.image=''", r"no container image: set \[kubeflow\] image"),
        ("kubeflow.image=Not an Image", "the image 'Not an Image': it is no name of an image"),
        ("kubeflow.pipeline_root=/mnt/disk", "the pipeline root '/mnt/disk': Kubeflow stores artifacts below"),
        ("kubeflow.pipeline_root=pvc://disk", "the pipeline root 'pvc://disk': Kubeflow stores artifacts below"),
        (
            "kubeflow.nodes.Trainr.cpu='1'",
            r"^\[kubeflow\] nodes: Trainr: no such node. The nodes are ImageMaskExampleGen, ",
        ),
        (
            "kubeflow.volumes=[{claim='a', path='/a'}, {claim='b', path='/b', nodes=['Trainer', 'X']}]",
            r"^\[kubeflow\.volumes\.1\] nodes: X: no such node",
        ),
        (
            "kubeflow.secrets=[{name='s', key='k', env='E', nodes=['']}]",
            r"^\[kubeflow\.secrets\.0\] nodes: : no such node",
        ),
        ("serving.destination=/srv", r"(?s)ChampionResolver: serving_dir '/srv'.*Pusher: serving_dir '/srv': none of"),
    ],
)
def test_what_a_cluster_would_refuse_is_not_compiled(change: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        compile_package("kubeflow", load_config(str(RECIPE), [change]), None)


def test_a_recipes_name_becomes_one_that_kubeflow_takes() -> None:
    assert pipeline_name("mass_cascade") == "mass-cascade"
    assert pipeline_name("_My Run.v2_") == "my-run-v2"
    assert len(pipeline_name("a" * 300)) == 128
    with pytest.raises(UsageError, match="Rename the recipe's file"):
        pipeline_name("___")


def test_the_linter_sees_in_a_file_which_nodes_look_outside(config: Config) -> None:
    """By their parameters, because a file holds no traits."""
    package = compile_package("kubeflow", config, None)
    for task in package.spec["root"]["dag"]["tasks"].values():
        task["cachingOptions"] = {"enableCache": True}
    outside = {node for node, traits in nodes().traits.items() if traits.looks_outside}
    assert {fault.where for fault in lint(package) if "caching" in fault.found} == outside


class TestVerb:
    def compile(self, *arguments: str) -> Any:
        return CliRunner().invoke(app, ["kubeflow", "compile", str(RECIPE), *arguments])

    def test_a_file_is_written_and_nothing_complained_of(self, tmp_path: Path, package: Package) -> None:
        out = tmp_path / "made" / "compiled.yaml"
        result = self.compile("--out", str(out))
        assert (result.exit_code, result.stdout) == (0, f"{out}\n")
        assert "warning" not in result.stderr
        assert read_package(out) == package

    def test_without_volumes_there_is_a_warning(self, tmp_path: Path) -> None:
        out = tmp_path / "compiled.yaml"
        result = self.compile("--out", str(out), "--set", "kubeflow.volumes=[]", "--json")
        assert result.exit_code == 0
        faults = json.loads(result.stdout)["faults"]
        assert {fault["where"] for fault in faults} == {
            "ImageMaskExampleGen",
            "ChampionResolver",
            "Evaluator",
            "Pusher",
        }
        assert all(fault["warning"] for fault in faults)

    def test_nothing_is_written_where_something_is_wrong(self, tmp_path: Path) -> None:
        image, node = "kubeflow.image=", "kubeflow.nodes.Trainr.cpu='1'"
        for arguments in (
            ("--out", "compiled.json"),
            *(("--out", "compiled.yaml", "--set", change) for change in (image, node)),
        ):
            result = self.compile("--out", str(tmp_path / arguments[1]), *arguments[2:])
            assert result.exit_code == 2
            assert list(tmp_path.iterdir()) == []
