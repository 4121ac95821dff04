"""ChampionInferrer: inputs, outputs, parameters."""

from __future__ import annotations

from tfx.dsl.components.base.base_component import BaseComponent
from tfx.dsl.components.base.executor_spec import ExecutorClassSpec
from tfx.types import BaseChannel, Channel, standard_artifacts
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from components.champion_inferrer.executor import Executor
from components.traits import Traits


class ChampionInferrerSpec(ComponentSpec):
    PARAMETERS = {"settings": ExecutionParameter(type=str), "code_version": ExecutionParameter(type=str)}
    INPUTS = {
        "examples": ChannelParameter(type=standard_artifacts.Examples),
        "champion": ChannelParameter(type=standard_artifacts.Model),
    }
    OUTPUTS = {"inference": ChannelParameter(type=standard_artifacts.InferenceResult)}


class ChampionInferrer(BaseComponent):
    """Keeps what the served model answers to the test images, while the candidate is still trained."""

    SPEC_CLASS = ChampionInferrerSpec
    EXECUTOR_SPEC = ExecutorClassSpec(Executor)
    traits = Traits()

    def __init__(self, examples: BaseChannel, champion: BaseChannel, settings: str, code_version: str) -> None:
        """`settings` is `ChampionSettings` as JSON."""
        spec = ChampionInferrerSpec(
            examples=examples,
            champion=champion,
            settings=settings,
            code_version=code_version,
            inference=Channel(type=standard_artifacts.InferenceResult),
        )
        super().__init__(spec=spec)
