"""OutOfFold: inputs, outputs, parameters."""

from __future__ import annotations

from collections.abc import Sequence

from tfx.dsl.components.base.base_component import BaseComponent
from tfx.dsl.components.base.executor_spec import ExecutorClassSpec
from tfx.types import BaseChannel, Channel, standard_artifacts
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from components.out_of_fold.executor import Executor, keys_of
from components.records.split_settings import MOST_FOLDS
from components.traits import Traits

_KINDS = (standard_artifacts.ModelRun, standard_artifacts.ModelEvaluation)


class OutOfFoldSpec(ComponentSpec):
    """An input of its own for each fold: of a union of channels TFX keeps no order, and Kubeflow compiles none."""

    PARAMETERS = {"settings": ExecutionParameter(type=str), "code_version": ExecutionParameter(type=str)}
    INPUTS = {
        key: ChannelParameter(type=kind, optional=True)
        for number in range(1, MOST_FOLDS + 1)
        for key, kind in zip(keys_of(number), _KINDS, strict=True)
    }
    OUTPUTS = {"out_of_fold": ChannelParameter(type=standard_artifacts.ModelEvaluation)}


class OutOfFold(BaseComponent):
    """Pools the evaluations of the folds, beside their ensemble: how answers are judged makes no other model."""

    SPEC_CLASS = OutOfFoldSpec
    EXECUTOR_SPEC = ExecutorClassSpec(Executor)
    traits = Traits()

    def __init__(self, folds: Sequence[tuple[BaseChannel, BaseChannel]], settings: str, code_version: str) -> None:
        """`folds` are run and evaluation of each; `settings` is `EvaluatorSettings` as JSON."""
        inputs = {
            key: channel
            for number, channels in enumerate(folds, 1)
            for key, channel in zip(keys_of(number), channels, strict=True)
        }
        spec = OutOfFoldSpec(
            **inputs,
            settings=settings,
            code_version=code_version,
            out_of_fold=Channel(type=standard_artifacts.ModelEvaluation),
        )
        super().__init__(spec=spec)
