"""The description of a run: one class per TOML section. Imports neither TensorFlow nor TFX."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from pydantic import ModelWrapValidatorHandler, PrivateAttr, model_validator

from components.augmentor.settings import FoldTraining
from components.bulk_inferrer.settings import InferrerSettings, Robustness
from components.calibrator.settings import CalibratorSettings
from components.champion_inferrer.settings import ChampionSettings
from components.data_gate.settings import GateSettings, Validation
from components.engine_export.settings import ExporterSettings, splits_of_forms
from components.evaluator.settings import Evaluation, EvaluatorSettings
from components.example_gen.layouts.registry import LAYOUTS
from components.example_gen.settings import DataKeys, DataSettings
from components.imaging.augmentation.settings import Augmentation
from components.inference.operating_point import OperatingPoint
from components.inference.settings import Inference
from components.records.split_settings import Folds
from components.records.splits import TEST
from components.serving_check.settings import ServingCheckSettings
from components.settings import Section
from components.trainer.losses.registry import LOSSES
from components.trainer.settings import Model, TrainerSettings, Training
from pipeline.config.data import Data
from pipeline.config.execution import Execution
from pipeline.config.kubeflow import Kubeflow
from pipeline.config.schedule import Schedule
from pipeline.config.serving import Serving

PLANNED = ("model", "training", "augmentation", "folds")
"""Sections of which a plan says what nobody has stated, where `[model] architecture` is `auto`."""


@dataclass(frozen=True)
class Stated:
    """What somebody has written into the sections in `PLANNED`: a config that says the same in full is no other one."""

    tables: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, compare=False)


class Config(Section):
    """Everything that describes a run."""

    data: Data
    validation: Validation = Validation()
    augmentation: Augmentation = Augmentation()
    model: Model = Model()
    training: Training
    folds: Folds | None = None
    """None: one training, on the train split."""
    evaluation: Evaluation = Evaluation()
    inference: Inference = Inference()
    robustness: Robustness = Robustness()
    serving: Serving = Serving()
    execution: Execution = Execution()
    kubeflow: Kubeflow = Kubeflow()
    schedule: Schedule = Schedule()
    _stated: Stated = PrivateAttr(default_factory=Stated)

    @model_validator(mode="wrap")
    @classmethod
    def _remembers(cls, table: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        made = handler(table)
        if isinstance(table, Mapping):
            stated = {name: _stated(table.get(name)) for name in PLANNED}
            made._stated = Stated({name: keys for name, keys in stated.items() if keys is not None})
        return made

    @model_validator(mode="after")
    def _fits_together(self) -> Config:
        for fault in _faults(self):
            raise ValueError(fault)
        return self

    def given(self, section: str) -> dict[str, Any]:
        """The keys of one of the sections in `PLANNED` that somebody has stated, as they were stated."""
        return dict(self._stated.tables.get(section, {}))

    def with_sections(self, sections: Mapping[str, Mapping[str, Any]]) -> Config:
        """The same with other tables for these sections.

        Raises:
            ValidationError: as for any config.
        """
        return Config(**{**{name: getattr(self, name) for name in Config.model_fields}, **sections})

    @property
    def records(self) -> DataSettings:
        """What the nodes read of the data: nothing else of the section may make them run again."""
        keys = {name: getattr(self.data, name) for name in DataKeys.model_fields}
        return DataSettings(**keys, folds=self.folds.k if self.folds else None)

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
        )

    @property
    def serving_check(self) -> ServingCheckSettings:
        return ServingCheckSettings(task=self.data.task, derivation=self.data.derivation)

    @property
    def engine_exporter(self) -> ExporterSettings:
        learnt, judged = splits_of_forms(self.folds.k if self.folds else None)
        return ExporterSettings(
            engines=self.serving.engines,
            task=self.data.task,
            derivation=self.data.derivation,
            empty_masks=self.evaluation.empty_masks,
            learnt=learnt,
            judged=judged,
        )

    @property
    def evaluator(self) -> EvaluatorSettings:
        # The lesions of phantoms are discs.
        return EvaluatorSettings(
            evaluation=self.evaluation,
            task=self.data.task,
            derivation=self.data.derivation,
            loss=self.training.loss,
            discs=LAYOUTS[self.data.layout].discs and self.data.phantoms is None,
            robustness=self.robustness,
        )

    @property
    def fold_training(self) -> FoldTraining | None:
        if self.folds is None:
            return None
        tiles = self.data.tiles
        return FoldTraining(k=self.folds.k, keep_empty=tiles.keep_empty if tiles else 1.0, salt=self.data.splits.salt)

    def trainer_of_fold(self, number: int) -> TrainerSettings:
        """As `trainer`, with the fold's own seed."""
        training = self.training.model_copy(update={"seed": self.training.seed + number})
        return self.trainer.model_copy(update={"training": training})

    def evaluator_on(self, split: str) -> EvaluatorSettings:
        """As `evaluator`, to measure records that decide nothing: a changed limit must not make it run again.

        Of folds nothing has been chosen yet: what is given applies, and else what changes nothing.
        """
        changed = {"evaluation": self.evaluation.without_limits, "split": split, "point": self.inference.given}
        return self.evaluator.model_copy(update={**changed, "robustness": Robustness()})

    def inferrer_on(self, *splits: str) -> InferrerSettings:
        """Answers to images of these splits."""
        return InferrerSettings(
            task=self.data.task,
            derivation=self.data.derivation,
            splits=list(splits),
            mirror=self.inference.mirrors,
            robustness=self.robustness if TEST in splits else Robustness(),
        )

    @property
    def champion(self) -> ChampionSettings:
        return ChampionSettings(task=self.data.task, derivation=self.data.derivation)

    def calibrator_on(self, *splits: str) -> CalibratorSettings:
        return CalibratorSettings(
            inference=self.inference,
            task=self.data.task,
            derivation=self.data.derivation,
            empty_masks=self.evaluation.empty_masks,
            max_pixels=self.data.limits.pixels,
            splits=list(splits),
        )


def _stated(given: Any) -> Mapping[str, Any] | None:
    """The keys of a section, which may be given as a table or made; None: it is not given."""
    if isinstance(given, Section):
        return given.model_dump(include=given.model_fields_set)
    return given if isinstance(given, Mapping) else None


def _faults(config: Config) -> Iterator[str]:
    if config.model.planned:
        yield from _model_faults(config)
    if config.training.patch and config.augmentation.on_device:
        yield "[training.patch] and [augmentation] on_device exclude each other: remove one, or use online"
    yield from _fold_faults(config)
    if config.schedule.drift is not None and config.schedule.drift >= config.validation.max_drift:
        yield (
            f"[schedule] drift = {config.schedule.drift:g} is not below [validation] max_drift = "
            f"{config.validation.max_drift:g}: the data gate would refuse every run that it starts. Raise max_drift"
        )
    yield from _evaluation_faults(config)
    yield from _slice_faults(config)
    classes = len(config.data.task.classes)
    if classes > 1 and config.inference.threshold not in ("auto", OperatingPoint().threshold):
        yield (
            f"[inference] threshold = {config.inference.threshold:g} is for one class: of {classes} the most probable "
            "is predicted. Remove threshold"
        )


def _model_faults(config: Config) -> Iterator[str]:
    architecture, patch = config.model.architecture, config.training.patch
    built = config.model.built
    multiple = built.input_multiple
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
    if config.training.deep_supervision and built.side_outputs < 2:
        yield (
            f"[training] deep_supervision: [model] {architecture} has {built.side_outputs} side outputs, as its "
            "parameters are, expected 2 or more, of which the coarsest has no part in it: remove deep_supervision, or "
            "give it more levels"
        )


def _fold_faults(config: Config) -> Iterator[str]:
    if config.folds is None:
        return
    if config.training.warm_start:
        yield (
            "[folds] and [training] warm_start exclude each other: the served model has learnt what all folds but one "
            "are measured on. Remove one of the two"
        )
    if config.data.tiles and config.data.tiles.reduced_copy:
        yield (
            "[folds] and [data.tiles] reduced_copy exclude each other: the copies are for training alone, and of each "
            "fold all records are measured on. Remove one of the two"
        )


def _slice_faults(config: Config) -> Iterator[str]:
    """Slices that no case of these data can be in."""
    data = config.data
    for number, limit in enumerate(config.evaluation.limits):
        where, kind = f"[evaluation.limits] {number}: slice = {limit.slice!r}", (limit.slice or "").partition("=")[0]
        if kind == "span" and data.spans is None:
            yield f"{where}: there are no spans. Set [data] spans"
        if kind == "site" and data.site_pattern is None and data.layout not in ("manifest", "bcss"):
            yield f"{where}: layout {data.layout!r} knows no sites. Set [data] site_pattern, or use layout 'manifest'"


def _evaluation_faults(config: Config) -> Iterator[str]:
    classes, loss = config.data.task.classes, config.training.loss
    for number, limit in enumerate(config.evaluation.limits):
        where = f"[evaluation.limits] {number}"
        if limit.class_ is not None and limit.class_ not in classes:
            yield f"{where}: class = {limit.class_!r}, expected one of {', '.join(classes)}, or none for their mean"
        if limit.under is not None and limit.under not in config.robustness.asked:
            yield f"{where}: under = {limit.under!r}, but [robustness] does not ask for it: set {limit.under} there"
        if limit.measure in LOSSES and limit.measure != loss:
            yield f"{where}: measure = {limit.measure!r}, but [training] loss = {loss!r} is trained: name that"
