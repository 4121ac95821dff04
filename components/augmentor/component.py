"""Augmentor: inputs, outputs, parameters."""

from __future__ import annotations

from tfx.dsl.components.base.base_beam_component import BaseBeamComponent
from tfx.dsl.components.base.executor_spec import BeamExecutorSpec
from tfx.types import BaseChannel, Channel, standard_artifacts
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from components.augmentor.executor import Executor
from components.traits import Traits


class AugmentorSpec(ComponentSpec):
    PARAMETERS = {
        "settings": ExecutionParameter(type=str),
        "folds": ExecutionParameter(type=str, optional=True),
        "code_version": ExecutionParameter(type=str),
    }
    INPUTS = {"examples": ChannelParameter(type=standard_artifacts.Examples)}
    OUTPUTS = {"augmented_examples": ChannelParameter(type=standard_artifacts.Examples)}


class Augmentor(BaseBeamComponent):
    """Adds changed copies to what is learnt from: the train split, or each fold."""

    SPEC_CLASS = AugmentorSpec
    EXECUTOR_SPEC = BeamExecutorSpec(Executor)
    traits = Traits()

    def __init__(self, examples: BaseChannel, settings: str, folds: str | None, code_version: str) -> None:
        """`settings` is the `[augmentation]` section as JSON, `folds` is `FoldTraining` where there are folds."""
        spec = AugmentorSpec(
            examples=examples,
            settings=settings,
            folds=folds,
            code_version=code_version,
            augmented_examples=Channel(type=standard_artifacts.Examples),
        )
        super().__init__(spec=spec)
