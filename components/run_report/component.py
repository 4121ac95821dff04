"""RunReport: inputs, outputs, parameters."""

from __future__ import annotations

from tfx.dsl.components.base.base_component import BaseComponent
from tfx.dsl.components.base.executor_spec import ExecutorClassSpec
from tfx.types import BaseChannel, Channel, standard_artifacts
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from components.artifact_types import Engines, HtmlReport, SplitReport
from components.run_report.executor import Executor
from components.traits import Traits


class RunReportSpec(ComponentSpec):
    PARAMETERS = {"settings": ExecutionParameter(type=str), "code_version": ExecutionParameter(type=str)}
    INPUTS = {
        "examples": ChannelParameter(type=standard_artifacts.Examples),
        "split_report": ChannelParameter(type=SplitReport),
        "model": ChannelParameter(type=standard_artifacts.Model),
        "model_run": ChannelParameter(type=standard_artifacts.ModelRun),
        "out_of_fold": ChannelParameter(type=standard_artifacts.ModelEvaluation, optional=True),
        "evaluation": ChannelParameter(type=standard_artifacts.ModelEvaluation),
        "blessing": ChannelParameter(type=standard_artifacts.ModelBlessing),
        "infra_blessing": ChannelParameter(type=standard_artifacts.InfraBlessing),
        "engines": ChannelParameter(type=Engines, optional=True),
        "pushed_model": ChannelParameter(type=standard_artifacts.PushedModel),
    }
    OUTPUTS = {"report": ChannelParameter(type=HtmlReport)}


class RunReport(BaseComponent):
    """Writes `report.html`, the verdict and all that led to it in one file, and `report.json`, its reporting sheet."""

    SPEC_CLASS = RunReportSpec
    EXECUTOR_SPEC = ExecutorClassSpec(Executor)
    traits = Traits()

    def __init__(
        self,
        examples: BaseChannel,
        split_report: BaseChannel,
        model: BaseChannel,
        model_run: BaseChannel,
        evaluation: BaseChannel,
        blessing: BaseChannel,
        infra_blessing: BaseChannel,
        pushed_model: BaseChannel,
        settings: str,
        code_version: str,
        out_of_fold: BaseChannel | None = None,
        engines: BaseChannel | None = None,
    ) -> None:
        """`settings` is `ReportSettings` as JSON; `out_of_fold` is there where the model is one of several folds,
        `engines` where it was converted to some."""
        spec = RunReportSpec(
            examples=examples,
            split_report=split_report,
            model=model,
            model_run=model_run,
            out_of_fold=out_of_fold,
            evaluation=evaluation,
            blessing=blessing,
            infra_blessing=infra_blessing,
            engines=engines,
            pushed_model=pushed_model,
            settings=settings,
            code_version=code_version,
            report=Channel(type=HtmlReport),
        )
        super().__init__(spec=spec)
