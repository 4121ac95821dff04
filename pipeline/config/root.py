"""The description of a run: one class per TOML section. Imports neither TensorFlow nor TFX."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import model_validator

from components.data_gate.settings import GateSettings, Validation
from components.evaluator.settings import Evaluation, EvaluatorSettings
from components.imaging.augmentation.settings import Augmentation
from components.pusher.settings import Serving
from components.serving_check.settings import ServingCheckSettings
from components.settings import Section
from components.trainer.losses.registry import LOSSES
from components.trainer.models.registry import ARCHITECTURES
from components.trainer.settings import Model, TrainerSettings, Training
from pipeline.config.data import Data
from pipeline.config.execution import Execution
from pipeline.config.kubeflow import Kubeflow
from pipeline.config.schedule import Schedule


class Config(Section):
    """Everything that describes a run."""

    data: Data
    validation: Validation = Validation()
    augmentation: Augmentation = Augmentation()
    model: Model = Model()
    training: Training
    evaluation: Evaluation = Evaluation()
    serving: Serving = Serving()
    execution: Execution = Execution()
    kubeflow: Kubeflow = Kubeflow()
    schedule: Schedule = Schedule()

    @model_validator(mode="after")
    def _fits_together(self) -> Config:
        for fault in _faults(self):
            raise ValueError(fault)
        return self

    @property
    def gate(self) -> GateSettings:
        return GateSettings(**dict(self.validation), warm_start=self.training.warm_start)

    @property
    def trainer(self) -> TrainerSettings:
        drawn_anew = self.augmentation.online or self.augmentation.on_device
        return TrainerSettings(
            task=self.data.task,
            derivation=self.data.derivation,
            model=self.model,
            training=self.training,
            augmentation=self.augmentation if drawn_anew else None,
            threshold=self.evaluation.threshold,
        )

    @property
    def serving_check(self) -> ServingCheckSettings:
        return ServingCheckSettings(task=self.data.task, derivation=self.data.derivation)

    @property
    def evaluator(self) -> EvaluatorSettings:
        return EvaluatorSettings(
            evaluation=self.evaluation,
            task=self.data.task,
            derivation=self.data.derivation,
            loss=self.training.loss,
        )


def _faults(config: Config) -> Iterator[str]:
    architecture, patch = config.model.architecture, config.training.patch
    multiple = ARCHITECTURES[architecture](**config.model.parameters).input_multiple
    for key in ("height", "width"):
        size = getattr(config.data, key)
        cuts = {"[data]": size, "[training.patch]": getattr(patch, key)} if patch else {"[data]": size}
        for section, length in cuts.items():
            if length % multiple:
                yield (
                    f"{section} {key} = {length} does not fit [model] {architecture}: "
                    f"it must be a multiple of {multiple}"
                )
            if length > size:
                yield f"{section} {key} = {length} is more than [data] {key} = {size}: reduce it, or raise that"
    if patch and config.augmentation.on_device:
        yield "[training.patch] and [augmentation] on_device exclude each other: remove one, or use online"
    if config.schedule.drift is not None and config.schedule.drift >= config.validation.max_drift:
        yield (
            f"[schedule] drift = {config.schedule.drift:g} is not below [validation] max_drift = "
            f"{config.validation.max_drift:g}: the data gate would refuse every run that it starts. Raise max_drift"
        )
    yield from _evaluation_faults(config.evaluation, config.data.task.classes, config.training.loss)
    if config.execution.beam != "local" and config.execution.parallel == "processes":
        yield '[execution] parallel = "processes" is for beam = "local" alone: remove one of the two'


def _evaluation_faults(evaluation: Evaluation, classes: list[str], loss: str) -> Iterator[str]:
    for number, limit in enumerate(evaluation.limits):
        where = f"[evaluation.limits] {number}"
        if limit.class_ is not None and limit.class_ not in classes:
            yield f"{where}: class = {limit.class_!r}, expected one of {', '.join(classes)}, or none for their mean"
        if limit.measure in LOSSES and limit.measure != loss:
            yield f"{where}: measure = {limit.measure!r}, but [training] loss = {loss!r} is trained: name that"
    if len(classes) > 1 and evaluation.threshold != Evaluation.model_fields["threshold"].default:
        yield (
            f"[evaluation] threshold = {evaluation.threshold:g} is for one class: of {len(classes)} the most probable "
            "is predicted. Remove threshold"
        )
