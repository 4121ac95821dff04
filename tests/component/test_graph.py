"""The compiled graph: who runs after whom, and who reads what."""

import json
from pathlib import Path

import pytest
from tfx.orchestration.metadata import sqlite_metadata_connection_config
from tfx.orchestration.pipeline import Pipeline
from tfx.proto.orchestration import pipeline_pb2
from tfx.types import standard_artifacts

from components.artifact_types import own_types
from components.augmentor.component import Augmentor
from components.code_version import executors
from pipeline.config.execution import BeamRunner, Execution
from pipeline.config.root import Config
from pipeline.graph.beam import beam_arguments
from pipeline.graph.nodes import Nodes
from pipeline.graph.pipeline import SCHEMA, create_pipeline
from pipeline.graph.place import Place
from pipeline.graph.roles import Role, final_nodes
from pipeline.runs.dag import compile_pipeline, following, needed_for

TFX_ARTIFACTS = {kind for kind in vars(standard_artifacts).values() if isinstance(kind, type)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("graph")


@pytest.fixture(scope="module")
def place(folder: Path) -> Place:
    return Place(
        name="tests",
        data=str(folder / "data"),
        files="0123456789abcdef",
        held_out="null",
        champion_content="",
        notice="phantoms",
        run="run-1",
        root=str(folder / "artifacts"),
        serving=str(folder / "serving"),
        schema=str(SCHEMA),
        metadata=sqlite_metadata_connection_config(str(folder / "metadata.sqlite")),
    )


@pytest.fixture(scope="module")
def pipeline(config: Config, place: Place) -> Pipeline:
    return create_pipeline(config, place, champion="")


@pytest.fixture(scope="module")
def faster(config: Config, place: Place) -> Pipeline:
    """Of a config that asks for engines."""
    serving = config.serving.model_copy(update={"engines": ["openvino-int8", "onnx-float32"]})
    return create_pipeline(config.model_copy(update={"serving": serving}), place, champion="")


@pytest.fixture(scope="module")
def compiled(pipeline: Pipeline) -> pipeline_pb2.Pipeline:
    return compile_pipeline(pipeline, "run-1")


@pytest.fixture(scope="module")
def nodes(compiled: pipeline_pb2.Pipeline) -> dict[str, pipeline_pb2.PipelineNode]:
    return {item.pipeline_node.node_info.id: item.pipeline_node for item in compiled.nodes}


def producers(node: pipeline_pb2.PipelineNode) -> dict[str, set[str]]:
    """The nodes that fill each input."""
    inputs = node.inputs.inputs
    return {key: {channel.producer_node_query.id for channel in inputs[key].channels} for key in inputs}


def test_all_nodes_that_are_compiled_are_listed_in_the_order_of_the_data(
    pipeline: Pipeline, nodes: dict[str, pipeline_pb2.PipelineNode]
) -> None:
    order = list(Nodes.of(pipeline).traits)
    assert sorted(order) == sorted(nodes)
    assert order[0] == "ImageMaskExampleGen"
    for name, node in nodes.items():
        assert all(order.index(upstream) < order.index(name) for upstream in node.upstream_nodes)


def test_what_the_components_declare_is_read_from_the_graph(pipeline: Pipeline) -> None:
    traits = Nodes.of(pipeline).traits
    assert Nodes.of(pipeline).always_run == {"Pusher"}
    assert [node for node in traits if not traits[node].retryable] == ["DataGate"]


def test_every_role_has_its_node(pipeline: Pipeline) -> None:
    roles = Nodes.of(pipeline).roles
    assert roles == {
        "ImageMaskExampleGen": {Role.EXAMPLES},
        "Trainer": {Role.TRAINING},
        "Evaluator": {Role.EVALUATION},
        "ServingCheck": {Role.SERVING_CHECK},
        "Pusher": {Role.PUSH},
        "RunReport": {Role.REPORT},
    }
    assert final_nodes(roles) == {role: node for node, [role] in roles.items()}


def test_a_component_that_declares_no_traits_is_named(
    config: Config, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(Augmentor, "traits")
    with pytest.raises(TypeError, match=r"^Augmentor: .*\.Augmentor has traits None, expected Traits"):
        Nodes.of(create_pipeline(config, place, ""))


def test_every_executor_of_the_tree_is_of_a_node_of_the_graph(faster: Pipeline) -> None:
    paths = [component.executor_spec.class_path for component in faster.components]
    own = {path.rpartition(".")[0] for path in paths if path.startswith("components.")}
    assert own | {"components.ensemble.executor", "components.out_of_fold.executor"} == set(executors())


def test_every_type_of_artifact_that_is_not_tfxs_is_known_to_the_containers(faster: Pipeline) -> None:
    channels = [channel for component in faster.components for channel in component.outputs.values()]
    assert {channel.type for channel in channels} - TFX_ARTIFACTS == set(own_types())


POOL = BeamRunner(runner="portable", options=["--job_endpoint=localhost:1", "--environment_type=LOOPBACK"])


@pytest.mark.parametrize(
    ("execution", "nodes"),
    [
        (Execution(), ()),
        (Execution(workers=2), ()),
        (Execution(workers=2, parallel="processes"), ("ImageMaskExampleGen", "Augmentor", "BulkInferrer")),
        (Execution(beam=POOL), ("ImageMaskExampleGen", "StatisticsGen", "Augmentor", "BulkInferrer")),
    ],
    ids=["threads", "two threads", "processes", "a cluster"],
)
def test_the_nodes_that_work_in_beam_are_told_where(
    config: Config, place: Place, execution: Execution, nodes: tuple[str, ...]
) -> None:
    """No others have arguments, and no threads: they are part of the key of the cache."""
    told = config.model_copy(update={"execution": execution})
    specs = {node.id: node.executor_spec for node in create_pipeline(told, place, "").components}
    given = {name: spec.beam_pipeline_args for name, spec in specs.items() if getattr(spec, "beam_pipeline_args", None)}
    assert given == dict.fromkeys(nodes, beam_arguments(execution))


def test_the_trainer_reads_the_augmentor_alone_and_not_the_test_split(
    nodes: dict[str, pipeline_pb2.PipelineNode],
) -> None:
    trainer = nodes["Trainer"]
    assert producers(trainer) == {"examples": {"Augmentor"}}
    arguments = {key: value.field_value.string_value for key, value in trainer.parameters.parameters.items()}
    assert '"train"' in arguments["train_args"]
    assert '"eval"' in arguments["eval_args"]
    assert "test" not in arguments["train_args"] + arguments["eval_args"]


def test_only_the_evaluator_and_the_report_of_those_after_training_read_all_splits(
    compiled: pipeline_pb2.Pipeline, nodes: dict[str, pipeline_pb2.PipelineNode]
) -> None:
    after = following(compiled, "Trainer")
    readers = {name for name in after if "ImageMaskExampleGen" in set().union(*producers(nodes[name]).values())}
    assert readers == {"BulkInferrer", "Calibrator", "Evaluator", "ServingCheck", "RunReport"}


@pytest.mark.parametrize("node", ["Augmentor", "Trainer", "Evaluator", "ServingCheck", "Pusher", "RunReport"])
def test_nothing_is_made_of_data_before_the_gate_has_passed_them(compiled: pipeline_pb2.Pipeline, node: str) -> None:
    assert "DataGate" in needed_for(compiled, node)


def test_the_gate_sees_the_records_the_anomalies_and_the_champion(nodes: dict[str, pipeline_pb2.PipelineNode]) -> None:
    assert producers(nodes["DataGate"]) == {
        "examples": {"ImageMaskExampleGen"},
        "anomalies": {"ExampleValidator"},
        "champion": {"ChampionResolver"},
    }


@pytest.mark.parametrize("warm", [False, True])
def test_the_gate_knows_where_the_training_starts(config: Config, place: Place, warm: bool) -> None:
    told = config.model_copy(update={"training": config.training.model_copy(update={"warm_start": warm})})
    [gate] = [node for node in create_pipeline(told, place, "").components if node.id == "DataGate"]
    assert json.loads(gate.exec_properties["settings"]) == {**config.validation.model_dump(), "warm_start": warm}


def test_all_that_derive_predict_or_compare_are_told_the_same_derivation(
    config: Config, nodes: dict[str, pipeline_pb2.PipelineNode]
) -> None:
    def parameter(node: str, name: str) -> dict:
        return json.loads(nodes[node].parameters.parameters[name].field_value.string_value)

    derivation = config.data.derivation.model_dump()
    assert set(derivation) >= {"height", "width", "channels", "fit", "tiles", "adjust"}
    assert parameter("Trainer", "custom_config")["settings"]["derivation"] == derivation
    assert parameter("Evaluator", "settings")["derivation"] == derivation
    assert parameter("ServingCheck", "settings")["derivation"] == derivation
    assert parameter("ImageMaskExampleGen", "settings").items() >= derivation.items()
    assert parameter("DataGate", "data") == parameter("ImageMaskExampleGen", "settings")


def test_the_pusher_waits_for_both_blessings(nodes: dict[str, pipeline_pb2.PipelineNode]) -> None:
    found = producers(nodes["Pusher"])
    assert found["model_blessing"] == {"Evaluator"}
    assert found["infra_blessing"] == {"ServingCheck"}


def test_what_is_checked_is_what_was_evaluated_with_its_engines(
    nodes: dict[str, pipeline_pb2.PipelineNode], faster: Pipeline
) -> None:
    given = {"examples": {"ImageMaskExampleGen"}, "model": {"Calibrator"}, "evaluation": {"Evaluator"}}
    assert producers(nodes["ServingCheck"]) == given
    made = {item.pipeline_node.node_info.id: item.pipeline_node for item in compile_pipeline(faster, "run-1").nodes}
    assert producers(made["ServingCheck"]) == {**given, "engines": {"EngineExporter"}}
    modules = made["ServingCheck"].parameters.parameters["code_version"].field_value.string_value.partition(" of ")[2]
    assert modules == "components.serving_check.executor, " + ", ".join(
        f"components.inference.engines.{engine}" for engine in ("onnx", "openvino")
    )


def test_faster_engines_are_made_of_a_blessed_model_before_it_is_pushed(pipeline: Pipeline, faster: Pipeline) -> None:
    without, order = (list(Nodes.of(each).traits) for each in (pipeline, faster))
    at = order.index("EngineExporter")
    assert (order[:at] + order[at + 1 :], order[at - 1], order[at + 1]) == (without, "Evaluator", "ServingCheck")
    made = compile_pipeline(faster, "run-1")
    nodes = {item.pipeline_node.node_info.id: item.pipeline_node for item in made.nodes}
    given = {"examples": {"ImageMaskExampleGen"}, "model": {"Calibrator"}, "model_blessing": {"Evaluator"}}
    assert producers(nodes["EngineExporter"]) == given
    assert producers(nodes["Pusher"])["engines"] == producers(nodes["RunReport"])["engines"] == {"EngineExporter"}
    parameters = nodes["EngineExporter"].parameters.parameters
    settings = json.loads(parameters["settings"].field_value.string_value)
    assert settings["engines"] == ["openvino-int8", "onnx-float32"]
    assert (settings["learnt"], settings["judged"]) == (["train"], ["eval"])
    modules = parameters["code_version"].field_value.string_value.partition(" of ")[2]
    assert modules == "components.engine_export.executor, " + ", ".join(
        f"components.inference.engines.{engine}" for engine in ("onnx", "openvino")
    )


def test_paths_are_parameters_of_those_nodes_alone_that_go_there(
    pipeline: Pipeline, nodes: dict[str, pipeline_pb2.PipelineNode], folder: Path
) -> None:
    """The cache compares parameters: elsewhere, a path would make another output folder train anew."""
    holders = {
        name
        for name, node in nodes.items()
        for value in node.parameters.parameters.values()
        if str(folder) in value.field_value.string_value
    }
    assert holders == {"ImageMaskExampleGen", "ChampionResolver", "Evaluator", "Pusher"}
    assert holders == {node for node, traits in Nodes.of(pipeline).traits.items() if traits.looks_outside}


def test_the_trainer_reads_the_champion_only_for_a_warm_start(config: Config, place: Place) -> None:
    """Else a new champion would make every training run again."""
    training = config.training.model_copy(update={"warm_start": True})
    pipeline = create_pipeline(config.model_copy(update={"training": training}), place, champion="3")
    [trainer] = [
        item.pipeline_node
        for item in compile_pipeline(pipeline, "run-1").nodes
        if item.pipeline_node.node_info.id == "Trainer"
    ]
    assert producers(trainer) == {"examples": {"Augmentor"}, "base_model": {"ChampionResolver"}}
