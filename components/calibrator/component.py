"""Calibrator: inputs, outputs, parameters."""

from __future__ import annotations

from collections.abc import Sequence

from tfx.dsl.components.base.base_component import BaseComponent
from tfx.dsl.components.base.executor_spec import ExecutorClassSpec
from tfx.types import BaseChannel, Channel, standard_artifacts
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from components.bulk_inferrer.answered import inference_key
from components.calibrator.executor import Executor
from components.records.split_settings import MOST_FOLDS
from components.traits import Traits


class CalibratorSpec(ComponentSpec):
    """An input of its own for each inference: of a union of channels TFX keeps no order, and Kubeflow compiles none."""

    PARAMETERS = {"settings": ExecutionParameter(type=str), "code_version": ExecutionParameter(type=str)}
    INPUTS = {
        "examples": ChannelParameter(type=standard_artifacts.Examples),
        "model": ChannelParameter(type=standard_artifacts.Model),
        **{
            inference_key(number): ChannelParameter(type=standard_artifacts.InferenceResult, optional=True)
            for number in range(1, MOST_FOLDS + 1)
        },
    }
    OUTPUTS = {"calibrated": ChannelParameter(type=standard_artifacts.Model)}


class Calibrator(BaseComponent):
    """Chooses how a model's answers become masks, and exports the model that is measured and served."""

    SPEC_CLASS = CalibratorSpec
    EXECUTOR_SPEC = ExecutorClassSpec(Executor)
    traits = Traits()

    def __init__(
        self,
        examples: BaseChannel,
        model: BaseChannel,
        inferences: Sequence[BaseChannel],
        settings: str,
        code_version: str,
    ) -> None:
        """`settings` is `CalibratorSettings` as JSON, with the split that is looked at in each of the inferences."""
        spec = CalibratorSpec(
            examples=examples,
            model=model,
            **{inference_key(number): channel for number, channel in enumerate(inferences, 1)},
            settings=settings,
            code_version=code_version,
            calibrated=Channel(type=standard_artifacts.Model),
        )
        super().__init__(spec=spec)
