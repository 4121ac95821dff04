"""ServingCheck: inputs, outputs, parameters."""

from __future__ import annotations

from tfx.dsl.components.base.base_component import BaseComponent
from tfx.dsl.components.base.executor_spec import ExecutorClassSpec
from tfx.types import BaseChannel, Channel, standard_artifacts
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from components.artifact_types import Engines
from components.serving_check.executor import Executor
from components.traits import Traits


class ServingCheckSpec(ComponentSpec):
    PARAMETERS = {"settings": ExecutionParameter(type=str), "code_version": ExecutionParameter(type=str)}
    INPUTS = {
        "examples": ChannelParameter(type=standard_artifacts.Examples),
        "model": ChannelParameter(type=standard_artifacts.Model),
        "evaluation": ChannelParameter(type=standard_artifacts.ModelEvaluation),
        "engines": ChannelParameter(type=Engines, optional=True),
    }
    OUTPUTS = {"blessing": ChannelParameter(type=standard_artifacts.InfraBlessing)}


class ServingCheck(BaseComponent):
    """Takes the place of InfraValidator, which needs a Docker daemon and does not compile for Kubeflow."""

    SPEC_CLASS = ServingCheckSpec
    EXECUTOR_SPEC = ExecutorClassSpec(Executor)
    traits = Traits()

    def __init__(
        self,
        examples: BaseChannel,
        model: BaseChannel,
        evaluation: BaseChannel,
        settings: str,
        code_version: str,
        engines: BaseChannel | None = None,
    ) -> None:
        """`evaluation` has the masks by which the model was judged, `engines` are faster forms of it.

        `settings` is `ServingCheckSettings` as JSON.
        """
        spec = ServingCheckSpec(
            examples=examples,
            model=model,
            evaluation=evaluation,
            engines=engines,
            settings=settings,
            code_version=code_version,
            blessing=Channel(type=standard_artifacts.InfraBlessing),
        )
        super().__init__(spec=spec)
