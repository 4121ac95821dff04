"""Stages under prefixes: nodes of the same kinds beside each other in one pipeline, each fed by its own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tfx.orchestration.metadata import sqlite_metadata_connection_config
from tfx.orchestration.pipeline import Pipeline

from pipeline.config.root import Config
from pipeline.graph.nodes import Nodes
from pipeline.graph.pipeline import nodes_of
from pipeline.graph.place import NOWHERE
from pipeline.graph.roles import Role, final_nodes, in_roles
from pipeline.graph.stage import stage
from pipeline.runs.dag import compile_pipeline, needed_for


@pytest.fixture(scope="module")
def pipeline(config: Config, tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    """A coarse stage before a fine one."""
    place = replace(NOWHERE, root=str(tmp_path_factory.mktemp("stages")))
    coarse, fine = (stage(config, place, "", prefix) for prefix in ("coarse", "fine"))
    fine.records.example_gen.add_upstream_node(coarse.release.pusher)
    return Pipeline(
        pipeline_name="cascade",
        pipeline_root=place.root,
        metadata_connection_config=sqlite_metadata_connection_config(str(Path(place.root) / "metadata.sqlite")),
        components=[*coarse.nodes, *fine.nodes],
    )


def test_the_ids_are_those_of_one_stage_under_each_prefix(config: Config, pipeline: Pipeline) -> None:
    alone = nodes_of(config)
    assert list(Nodes.of(pipeline).traits) == [f"{name}-{node}" for name in ("coarse", "fine") for node in alone.traits]


def test_a_stage_reads_its_own_nodes(pipeline: Pipeline) -> None:
    compiled = compile_pipeline(pipeline, "run-1")
    for item in compiled.nodes:
        node = item.pipeline_node
        channels = [channel for value in node.inputs.inputs.values() for channel in value.channels]
        prefix = node.node_info.id.partition("-")[0]
        assert {channel.producer_node_query.id.partition("-")[0] for channel in channels} <= {prefix}
    assert "coarse-Pusher" in needed_for(compiled, "fine-Trainer")


def test_traits_are_found_under_every_prefix(config: Config, pipeline: Pipeline) -> None:
    alone, nodes = nodes_of(config), Nodes.of(pipeline)
    assert nodes.always_run == {"coarse-Pusher", "fine-Pusher"}
    for name, traits in nodes.traits.items():
        assert traits == alone.traits[name.partition("-")[2]]
        assert nodes.roles.get(name) == alone.roles.get(name.partition("-")[2])


def test_a_run_is_judged_by_its_last_stage(pipeline: Pipeline) -> None:
    roles = Nodes.of(pipeline).roles
    assert sum(Role.TRAINING in found for found in roles.values()) == 2
    final = final_nodes(roles)
    assert {node.partition("-")[0] for node in final.values()} == {"fine"}
    assert set(final) == set(Role) - {Role.ENGINES, Role.OUT_OF_FOLD}


def test_a_node_leaves_in_its_role_what_the_role_names() -> None:
    roles = {"coarse-Evaluator": {Role.EVALUATION}}
    assert in_roles("coarse-Evaluator", {"evaluation": 1, "blessing": 2}, roles) == {Role.EVALUATION: 1}
    assert in_roles("coarse-Evaluator", {}, roles) == {}
    assert in_roles("coarse-Augmentor", {"evaluation": 1}, roles) == {}
