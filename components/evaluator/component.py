"""Evaluator: inputs, outputs, parameters."""

from __future__ import annotations

from tfx.dsl.components.base.base_component import BaseComponent
from tfx.dsl.components.base.executor_spec import ExecutorClassSpec
from tfx.types import BaseChannel, Channel, standard_artifacts
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from components.evaluator.executor import Executor
from components.evaluator.settings import EvaluatorSettings
from components.traits import Traits


class EvaluatorSpec(ComponentSpec):
    PARAMETERS = {
        "settings": ExecutionParameter(type=str),
        "serving_dir": ExecutionParameter(type=str, optional=True),
        "code_version": ExecutionParameter(type=str),
    }
    INPUTS = {
        "examples": ChannelParameter(type=standard_artifacts.Examples),
        "inference": ChannelParameter(type=standard_artifacts.InferenceResult),
        "champion_inference": ChannelParameter(type=standard_artifacts.InferenceResult, optional=True),
        "model": ChannelParameter(type=standard_artifacts.Model, optional=True),
        "out_of_fold": ChannelParameter(type=standard_artifacts.ModelEvaluation, optional=True),
    }
    OUTPUTS = {
        "evaluation": ChannelParameter(type=standard_artifacts.ModelEvaluation),
        "blessing": ChannelParameter(type=standard_artifacts.ModelBlessing, optional=True),
    }


class Evaluator(BaseComponent):
    """Per-image metrics and, of the test split, a blessing that the stock Pusher understands."""

    SPEC_CLASS = EvaluatorSpec
    EXECUTOR_SPEC = ExecutorClassSpec(Executor)
    traits = Traits(looks_outside=True)

    def __init__(
        self,
        examples: BaseChannel,
        inference: BaseChannel,
        settings: str,
        code_version: str,
        model: BaseChannel | None = None,
        champion_inference: BaseChannel | None = None,
        out_of_fold: BaseChannel | None = None,
        serving_dir: str | None = None,
    ) -> None:
        """`inference` are the answers of the model, and of the champion; `settings` is `EvaluatorSettings` as JSON.

        `model` is what is judged by them, where it is blessed or not. `out_of_fold` is the evaluation of the folds that
        the model is made of, whose faults refuse it. `serving_dir` is where decisions are counted.
        """
        decides = EvaluatorSettings.model_validate_json(settings).decides
        spec = EvaluatorSpec(
            examples=examples,
            inference=inference,
            model=model,
            champion_inference=champion_inference,
            out_of_fold=out_of_fold,
            settings=settings,
            serving_dir=serving_dir,
            code_version=code_version,
            evaluation=Channel(type=standard_artifacts.ModelEvaluation),
            blessing=Channel(type=standard_artifacts.ModelBlessing) if decides else None,
        )
        super().__init__(spec=spec)
