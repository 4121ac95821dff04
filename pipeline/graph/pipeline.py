"""The graph of a config: its stages as one pipeline of TFX."""

from __future__ import annotations

from pathlib import Path

from tfx.orchestration.pipeline import Pipeline

import schemas
from pipeline.config.root import Config
from pipeline.graph.nodes import Nodes
from pipeline.graph.place import NOWHERE, Place
from pipeline.graph.stage import stage

SCHEMA = Path(schemas.__file__).parent / "image_mask.pbtxt"


def create_pipeline(config: Config, place: Place, champion: str | None) -> Pipeline:
    """The graph of a config; `champion` is the version served when the run starts, empty for none.

    None: to be read when its node runs.
    """
    return Pipeline(
        pipeline_name=place.name,
        pipeline_root=place.root,
        metadata_connection_config=place.metadata,
        enable_cache=config.execution.cache,
        components=stage(config, place, champion).nodes,
    )


def nodes_of(config: Config) -> Nodes:
    """The nodes of a config's graph, wherever it is going to run."""
    return Nodes.of(create_pipeline(config, NOWHERE, champion=None))
