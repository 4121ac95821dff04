"""RunReport: inputs, outputs, parameters."""

from __future__ import annotations

from collections.abc import Sequence

from tfx.dsl.components.base.base_component import BaseComponent
from tfx.dsl.components.base.executor_spec import ExecutorClassSpec
from tfx.types import BaseChannel, Channel, standard_artifacts
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from components.artifact_types import Engines, HtmlReport, SplitReport
from components.bulk_inferrer.answered import inference_key
from components.records.split_settings import MOST_FOLDS
from components.run_report.executor import Executor
from components.traits import Traits


class RunReportSpec(ComponentSpec):
    """An input of its own for the inference of each fold, as of Calibrator."""

    PARAMETERS = {"settings": ExecutionParameter(type=str), "code_version": ExecutionParameter(type=str)}
    INPUTS = {
        "examples": ChannelParameter(type=standard_artifacts.Examples),
        "split_report": ChannelParameter(type=SplitReport),
        "model": ChannelParameter(type=standard_artifacts.Model),
        "inference": ChannelParameter(type=standard_artifacts.InferenceResult),
        **{
            inference_key(number): ChannelParameter(type=standard_artifacts.InferenceResult, optional=True)
            for number in range(1, MOST_FOLDS + 1)
        },
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
    """Writes `report.html`, the verdict and all that led to it in one file, `report.json`, its reporting sheet, and
    `doubtful.csv`, the labels that a person should look at first."""

    SPEC_CLASS = RunReportSpec
    EXECUTOR_SPEC = ExecutorClassSpec(Executor)
    traits = Traits()

    def __init__(
        self,
        examples: BaseChannel,
        split_report: BaseChannel,
        model: BaseChannel,
        inference: BaseChannel,
        model_run: BaseChannel,
        evaluation: BaseChannel,
        blessing: BaseChannel,
        infra_blessing: BaseChannel,
        pushed_model: BaseChannel,
        settings: str,
        code_version: str,
        out_of_fold: BaseChannel | None = None,
        fold_inferences: Sequence[BaseChannel] = (),
        engines: BaseChannel | None = None,
    ) -> None:
        """`settings` is `ReportSettings` as JSON; `inference` has the model's own answers. `out_of_fold` and the
        `fold_inferences` are there where the model is one of several folds, `engines` where it was converted to some.
        """
        spec = RunReportSpec(
            examples=examples,
            split_report=split_report,
            model=model,
            inference=inference,
            **{inference_key(number): channel for number, channel in enumerate(fold_inferences, 1)},
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
