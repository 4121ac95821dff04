"""Pusher: inputs, outputs, parameters."""

from __future__ import annotations

from tfx.components.pusher import component
from tfx.dsl.components.base.base_component import BaseComponent
from tfx.dsl.components.base.executor_spec import ExecutorClassSpec
from tfx.types import BaseChannel, Channel, standard_artifacts
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from components.artifact_types import Engines, SplitReport
from components.pusher.executor import Executor
from components.traits import Traits


class PusherSpec(ComponentSpec):
    PARAMETERS = {
        "serving_dir": ExecutionParameter(type=str),
        "run": ExecutionParameter(type=str),
        "settings": ExecutionParameter(type=str),
        "code_version": ExecutionParameter(type=str),
    }
    INPUTS = {
        "model": ChannelParameter(type=standard_artifacts.Model),
        "evaluation": ChannelParameter(type=standard_artifacts.ModelEvaluation),
        "split_report": ChannelParameter(type=SplitReport),
        "model_blessing": ChannelParameter(type=standard_artifacts.ModelBlessing),
        "infra_blessing": ChannelParameter(type=standard_artifacts.InfraBlessing),
        "engines": ChannelParameter(type=Engines, optional=True),
    }
    OUTPUTS = {"pushed_model": ChannelParameter(type=standard_artifacts.PushedModel)}


class Pusher(component.Pusher):
    """Adds `MANIFEST.json` to each version; it appears at once with being the champion."""

    SPEC_CLASS = PusherSpec
    EXECUTOR_SPEC = ExecutorClassSpec(Executor)
    traits = Traits(always_runs=True, looks_outside=True)

    def __init__(
        self,
        model: BaseChannel,
        evaluation: BaseChannel,
        split_report: BaseChannel,
        model_blessing: BaseChannel,
        infra_blessing: BaseChannel,
        serving_dir: str,
        run: str,
        settings: str,
        code_version: str,
        engines: BaseChannel | None = None,
    ) -> None:
        """`run` is the run's id; `settings` is `PusherSettings` as JSON; `engines` are faster forms of the model."""
        spec = PusherSpec(
            model=model,
            evaluation=evaluation,
            split_report=split_report,
            model_blessing=model_blessing,
            infra_blessing=infra_blessing,
            engines=engines,
            serving_dir=serving_dir,
            run=run,
            settings=settings,
            code_version=code_version,
            pushed_model=Channel(type=standard_artifacts.PushedModel),
        )
        # The stock constructor takes a fixed list of parameters, without ours.
        BaseComponent.__init__(self, spec=spec)
