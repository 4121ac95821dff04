"""The graph of folds: a trainer and an evaluator for each, side by side, and what is made of them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tfx.orchestration.metadata import sqlite_metadata_connection_config
from tfx.orchestration.pipeline import Pipeline
from tfx.proto.orchestration import pipeline_pb2

from components.records.split_settings import Folds
from pipeline.config.root import Config
from pipeline.graph.nodes import Nodes
from pipeline.graph.pipeline import create_pipeline
from pipeline.graph.place import NOWHERE
from pipeline.graph.roles import Role, final_nodes
from pipeline.runs.dag import compile_pipeline, needed_for

K = 3
Compiled = dict[str, pipeline_pb2.PipelineNode]


@pytest.fixture(scope="module")
def folded(config: Config) -> Config:
    return config.model_copy(update={"folds": Folds(k=K)})


def build(config: Config, folder: Path) -> Pipeline:
    store = sqlite_metadata_connection_config(str(folder / "metadata.sqlite"))
    return create_pipeline(config, replace(NOWHERE, root=str(folder), metadata=store), champion="")


@pytest.fixture(scope="module")
def pipeline(folded: Config, tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    return build(folded, tmp_path_factory.mktemp("folds"))


@pytest.fixture(scope="module")
def compiled(pipeline: Pipeline) -> pipeline_pb2.Pipeline:
    return compile_pipeline(pipeline, "run-1")


def by_id(compiled: pipeline_pb2.Pipeline) -> Compiled:
    return {item.pipeline_node.node_info.id: item.pipeline_node for item in compiled.nodes}


def producers(node: pipeline_pb2.PipelineNode) -> dict[str, set[str]]:
    inputs = node.inputs.inputs
    return {key: {channel.producer_node_query.id for channel in inputs[key].channels} for key in inputs}


def parameters(node: pipeline_pb2.PipelineNode) -> dict[str, str]:
    return {key: value.field_value.string_value for key, value in node.parameters.parameters.items()}


def test_each_fold_has_a_trainer_and_an_evaluator_side_by_side(compiled: pipeline_pb2.Pipeline) -> None:
    nodes = by_id(compiled)
    for number in range(1, K + 1):
        trainer, evaluator = f"Trainer-fold-{number}", f"Evaluator-fold-{number}"
        inferrer = f"BulkInferrer-fold-{number}"
        assert producers(nodes[trainer]) == {"examples": {"Augmentor"}}
        assert producers(nodes[inferrer]) == {"examples": {"ImageMaskExampleGen"}, "model": {trainer}}
        assert producers(nodes[evaluator]) == {"examples": {"ImageMaskExampleGen"}, "inference": {inferrer}}
        assert list(nodes[evaluator].outputs.outputs) == ["evaluation"]
        others = {f"{node}-fold-{other}" for node in ("Trainer", "Evaluator") for other in range(1, K + 1)}
        assert needed_for(compiled, evaluator) & others == {trainer, evaluator}


def test_a_fold_is_trained_on_all_others_and_validated_on_itself(compiled: pipeline_pb2.Pipeline) -> None:
    given = parameters(by_id(compiled)["Trainer-fold-2"])
    assert json.loads(given["train_args"])["splits"] == ["fold-1-training", "fold-3-training"]
    assert json.loads(given["eval_args"])["splits"] == ["fold-2"]
    custom = json.loads(given["custom_config"])
    assert custom["settings"]["training"]["seed"] == 7 + 2
    assert custom["fold"] == "Trainer-fold-2 (fold 2 of 3)"
    assert custom["code_version"].partition(" of ")[2].startswith("components.trainer.fold, ")


def test_what_is_judged_checked_and_pushed_is_the_ensemble(compiled: pipeline_pb2.Pipeline) -> None:
    nodes = by_id(compiled)
    for name in ("BulkInferrer", "Calibrator"):
        assert producers(nodes[name])["model"] == {"Ensemble"}
    for name in ("Evaluator", "ServingCheck", "Pusher"):
        assert producers(nodes[name])["model"] == {"Calibrator"}
    for number in range(1, K + 1):
        for name in ("Calibrator", "RunReport"):
            assert producers(nodes[name])[f"inference_{number}"] == {f"BulkInferrer-fold-{number}"}
    assert producers(nodes["RunReport"])["inference"] == {"BulkInferrer"}
    for name in ("Evaluator", "RunReport"):
        assert producers(nodes[name])["out_of_fold"] == {"OutOfFold"}
    for made, given in {
        "Ensemble": {"model": "Trainer", "model_run": "Trainer"},
        "OutOfFold": {"model_run": "Trainer", "evaluation": "Evaluator"},
    }.items():
        assert producers(nodes[made]) == {
            f"{key}_{number}": {f"{node}-fold-{number}"} for number in range(1, K + 1) for key, node in given.items()
        }


def test_a_run_is_judged_by_the_ensemble_and_its_evaluation(pipeline: Pipeline) -> None:
    final = final_nodes(Nodes.of(pipeline).roles)
    assert set(final) == set(Role) - {Role.ENGINES}
    assert (final[Role.TRAINING], final[Role.OUT_OF_FOLD], final[Role.EVALUATION]) == (
        "Ensemble",
        "OutOfFold",
        "Evaluator",
    )


def test_forms_are_made_by_the_first_fold_and_judged_on_the_others(folded: Config) -> None:
    settings = folded.engine_exporter
    assert (settings.learnt, settings.judged) == (["fold-1"], ["fold-2", "fold-3"])


def changed_by(folded: Config, tmp_path: Path, pipeline: pipeline_pb2.Pipeline, **evaluation: Any) -> set[str]:
    changed = folded.model_copy(update={"evaluation": folded.evaluation.model_copy(update=evaluation)})
    after = by_id(compile_pipeline(build(changed, tmp_path), "run-1"))
    return {name for name, node in by_id(pipeline).items() if parameters(node) != parameters(after[name])}


def test_a_changed_limit_trains_and_measures_no_fold_again(
    folded: Config, tmp_path: Path, compiled: pipeline_pb2.Pipeline
) -> None:
    # What the manifest and the report repeat of the config is another matter.
    assert changed_by(folded, tmp_path, compiled, min_dice=0.9) == {"Evaluator", "Pusher", "RunReport"}
