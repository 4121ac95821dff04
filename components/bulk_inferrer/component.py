"""BulkInferrer: inputs, outputs, parameters."""

from __future__ import annotations

from tfx.dsl.components.base.base_beam_component import BaseBeamComponent
from tfx.dsl.components.base.executor_spec import BeamExecutorSpec
from tfx.types import BaseChannel, Channel, standard_artifacts
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from components.bulk_inferrer.executor import Executor
from components.traits import Traits


class BulkInferrerSpec(ComponentSpec):
    PARAMETERS = {"settings": ExecutionParameter(type=str), "code_version": ExecutionParameter(type=str)}
    INPUTS = {
        "examples": ChannelParameter(type=standard_artifacts.Examples),
        "model": ChannelParameter(type=standard_artifacts.Model),
    }
    OUTPUTS = {"inference": ChannelParameter(type=standard_artifacts.InferenceResult)}


class BulkInferrer(BaseBeamComponent):
    """Keeps a model's answers to windows of images, as it gives them: a changed threshold or limit asks no model."""

    SPEC_CLASS = BulkInferrerSpec
    EXECUTOR_SPEC = BeamExecutorSpec(Executor)
    traits = Traits()

    def __init__(self, examples: BaseChannel, model: BaseChannel, settings: str, code_version: str) -> None:
        """`settings` is `InferrerSettings` as JSON."""
        spec = BulkInferrerSpec(
            examples=examples,
            model=model,
            settings=settings,
            code_version=code_version,
            inference=Channel(type=standard_artifacts.InferenceResult),
        )
        super().__init__(spec=spec)
