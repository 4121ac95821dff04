"""DataGate: inputs, outputs, parameters."""

from __future__ import annotations

from tfx.dsl.components.base.base_component import BaseComponent
from tfx.dsl.components.base.executor_spec import ExecutorClassSpec
from tfx.types import BaseChannel, Channel, standard_artifacts
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from components.artifact_types import SplitReport
from components.data_gate.executor import Executor
from components.traits import Traits


class DataGateSpec(ComponentSpec):
    PARAMETERS = {
        "settings": ExecutionParameter(type=str),
        "data": ExecutionParameter(type=str),
        "code_version": ExecutionParameter(type=str),
    }
    INPUTS = {
        "examples": ChannelParameter(type=standard_artifacts.Examples),
        "anomalies": ChannelParameter(type=standard_artifacts.ExampleAnomalies),
        "champion": ChannelParameter(type=standard_artifacts.Model),
    }
    OUTPUTS = {"split_report": ChannelParameter(type=SplitReport)}


class DataGate(BaseComponent):
    """Passes only data without leaks, empty splits, too many rejects, anomalies and drift."""

    SPEC_CLASS = DataGateSpec
    EXECUTOR_SPEC = ExecutorClassSpec(Executor)
    traits = Traits(retryable=False)

    def __init__(
        self,
        examples: BaseChannel,
        anomalies: BaseChannel,
        champion: BaseChannel,
        settings: str,
        data: str,
        code_version: str,
    ) -> None:
        """`settings` is the `[validation]` section with `warm_start` as JSON, `data` is `DataSettings`."""
        spec = DataGateSpec(
            examples=examples,
            anomalies=anomalies,
            champion=champion,
            settings=settings,
            data=data,
            code_version=code_version,
            split_report=Channel(type=SplitReport),
        )
        super().__init__(spec=spec)
