"""ChampionResolver: inputs, outputs, parameters."""

from __future__ import annotations

from tfx.dsl.components.base.base_component import BaseComponent
from tfx.dsl.components.base.executor_spec import ExecutorClassSpec
from tfx.types import Channel, standard_artifacts
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from components.champion_resolver.executor import Executor
from components.traits import Traits


class ChampionResolverSpec(ComponentSpec):
    PARAMETERS = {
        "serving_dir": ExecutionParameter(type=str),
        "champion_version": ExecutionParameter(type=str, optional=True),
        "champion_content": ExecutionParameter(type=str, optional=True),
        "code_version": ExecutionParameter(type=str),
    }
    INPUTS: dict = {}
    OUTPUTS = {"champion": ChannelParameter(type=standard_artifacts.Model)}


class ChampionResolver(BaseComponent):
    """Hands the served model to the Evaluator. TFX resolvers cannot do this on open-source Kubeflow."""

    SPEC_CLASS = ChampionResolverSpec
    EXECUTOR_SPEC = ExecutorClassSpec(Executor)
    traits = Traits(looks_outside=True)

    def __init__(
        self, serving_dir: str, champion_version: str | None, champion_content: str | None, code_version: str
    ) -> None:
        """`champion_version` is what is served when the run starts, empty for nothing; `champion_content` is the
        digest of its files. They key the cache.

        None: read when the node runs, whose results must then not be reused.
        """
        spec = ChampionResolverSpec(
            serving_dir=serving_dir,
            champion_version=champion_version,
            champion_content=champion_content,
            code_version=code_version,
            champion=Channel(type=standard_artifacts.Model),
        )
        super().__init__(spec=spec)
