"""EngineExporter: inputs, outputs, parameters."""

from __future__ import annotations

from tfx.dsl.components.base.base_component import BaseComponent
from tfx.dsl.components.base.executor_spec import ExecutorClassSpec
from tfx.types import BaseChannel, Channel, standard_artifacts
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from components.artifact_types import Engines
from components.engine_export.executor import Executor
from components.traits import Traits


class EngineExporterSpec(ComponentSpec):
    PARAMETERS = {"settings": ExecutionParameter(type=str), "code_version": ExecutionParameter(type=str)}
    INPUTS = {
        "examples": ChannelParameter(type=standard_artifacts.Examples),
        "model": ChannelParameter(type=standard_artifacts.Model),
        "model_blessing": ChannelParameter(type=standard_artifacts.ModelBlessing),
    }
    OUTPUTS = {"engines": ChannelParameter(type=Engines)}


class EngineExporter(BaseComponent):
    """Converts a blessed model to faster engines, and says which give masks that are as good."""

    SPEC_CLASS = EngineExporterSpec
    EXECUTOR_SPEC = ExecutorClassSpec(Executor)
    traits = Traits()

    def __init__(
        self,
        examples: BaseChannel,
        model: BaseChannel,
        model_blessing: BaseChannel,
        settings: str,
        code_version: str,
    ) -> None:
        """`settings` is `ExporterSettings` as JSON."""
        spec = EngineExporterSpec(
            examples=examples,
            model=model,
            model_blessing=model_blessing,
            settings=settings,
            code_version=code_version,
            engines=Channel(type=Engines),
        )
        super().__init__(spec=spec)
