"""Ensemble: inputs, outputs, parameters."""

from __future__ import annotations

from collections.abc import Sequence

from tfx.dsl.components.base.base_component import BaseComponent
from tfx.dsl.components.base.executor_spec import ExecutorClassSpec
from tfx.types import BaseChannel, Channel, standard_artifacts
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from components.ensemble.executor import Executor, keys_of
from components.records.split_settings import MOST_FOLDS
from components.traits import Traits

_KINDS = (standard_artifacts.Model, standard_artifacts.ModelRun)


class EnsembleSpec(ComponentSpec):
    """An input of its own for each fold: of a union of channels TFX keeps no order, and Kubeflow compiles none."""

    PARAMETERS = {"settings": ExecutionParameter(type=str), "code_version": ExecutionParameter(type=str)}
    INPUTS = {
        key: ChannelParameter(type=kind, optional=True)
        for number in range(1, MOST_FOLDS + 1)
        for key, kind in zip(keys_of(number), _KINDS, strict=True)
    }
    OUTPUTS = {
        "model": ChannelParameter(type=standard_artifacts.Model),
        "model_run": ChannelParameter(type=standard_artifacts.ModelRun),
    }


class Ensemble(BaseComponent):
    """Exports the mean of the folds' models."""

    SPEC_CLASS = EnsembleSpec
    EXECUTOR_SPEC = ExecutorClassSpec(Executor)
    traits = Traits()

    def __init__(self, folds: Sequence[tuple[BaseChannel, BaseChannel]], settings: str, code_version: str) -> None:
        """`folds` are model and run of each; `settings` is `Derivation` as JSON."""
        inputs = {
            key: channel
            for number, channels in enumerate(folds, 1)
            for key, channel in zip(keys_of(number), channels, strict=True)
        }
        spec = EnsembleSpec(
            **inputs,
            settings=settings,
            code_version=code_version,
            model=Channel(type=standard_artifacts.Model),
            model_run=Channel(type=standard_artifacts.ModelRun),
        )
        super().__init__(spec=spec)
