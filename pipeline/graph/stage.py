"""The nodes of one stage, from a folder of images to a served model: which component feeds which."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import chain
from typing import Any, NamedTuple

from tensorflow_data_validation import StatsOptions
from tfx.components import ExampleValidator, StatisticsGen, Trainer
from tfx.components.schema_gen.import_schema_gen.component import ImportSchemaGen
from tfx.dsl.components.base.base_node import BaseNode
from tfx.proto import trainer_pb2
from tfx.types import BaseChannel

from components.augmentor.component import Augmentor
from components.bulk_inferrer.component import BulkInferrer
from components.calibrator.component import Calibrator
from components.champion_inferrer.component import ChampionInferrer
from components.champion_resolver.component import ChampionResolver
from components.code_version import code_version
from components.data_gate.component import DataGate
from components.engine_export.component import EngineExporter
from components.engine_export.version import version_with_engines
from components.ensemble.component import Ensemble
from components.evaluator.component import Evaluator
from components.evaluator.version import evaluator_version
from components.example_gen.component import ImageMaskExampleGen
from components.example_gen.version import example_gen_version
from components.imaging.augmentation.settings import Augmentation
from components.out_of_fold.component import OutOfFold
from components.provenance import Provenance
from components.pusher.component import Pusher
from components.pusher.settings import PusherSettings
from components.records.splits import OUT_OF_FOLD, TEST, VALIDATION, fold_split, training_split
from components.run_report.component import RunReport
from components.run_report.settings import ReportSettings
from components.serving_check.component import ServingCheck
from components.settings import Section
from components.trainer.models.registry import network_module
from components.trainer.version import FOLD, RUN, trainer_files, trainer_version
from components.traits import Traits
from pipeline.config.root import Config
from pipeline.graph.beam import beam_arguments
from pipeline.graph.place import Place


class Records(NamedTuple):
    """What was found in the folder."""

    example_gen: ImageMaskExampleGen
    schema_gen: ImportSchemaGen
    statistics_gen: StatisticsGen
    validator: ExampleValidator


class Passed(NamedTuple):
    """What the gate lets through, and what is learnt from."""

    resolver: ChampionResolver
    gate: DataGate
    augmentor: Augmentor


class Fold(NamedTuple):
    """A model that has not learnt from the fold, measured on it."""

    trainer: Trainer
    inferrer: BulkInferrer
    evaluator: Evaluator


class Trained(NamedTuple):
    """What makes a model, and what it leaves."""

    nodes: list[BaseNode]
    model: BaseChannel
    model_run: BaseChannel
    out_of_fold: BaseChannel | None = None
    folds: Sequence[Fold] = ()


class Judged(NamedTuple):
    """What answers, what is made of answers, and what they are worth."""

    champion: ChampionInferrer
    inferrer: BulkInferrer
    calibrator: Calibrator
    evaluator: Evaluator

    @property
    def model(self) -> BaseChannel:
        return self.calibrator.outputs["calibrated"]


class Release(NamedTuple):
    """What makes a model that may be served the served one, and tells of it."""

    exporter: EngineExporter | None
    serving_check: ServingCheck
    pusher: Pusher
    run_report: RunReport


class Stage(NamedTuple):
    """The nodes of a stage in groups, in the order of the data."""

    records: Records
    passed: Passed
    trained: Trained
    judged: Judged
    release: Release

    @property
    def nodes(self) -> list[BaseNode]:
        return [*self.records, *self.passed, *self.trained.nodes, *self.judged, *filter(None, self.release)]


def stage(config: Config, place: Place, champion: str | None, prefix: str = "") -> Stage:
    """The nodes of a config, with the ids `PREFIX-Trainer` or, without a prefix, `Trainer`.

    `champion` is the version served when the run starts, empty for none; None: to be read when its node runs.
    """
    records = _records(config, place)
    passed = _passed(config, place, champion, records)
    trained = _folds(config, records, passed, config.folds.k) if config.folds else _training(config, passed)
    judged = _judged(config, place, records, passed, trained)
    made = Stage(records, passed, trained, judged, _release(config, place, records, passed, trained, judged))
    if prefix:
        for node in made.nodes:
            # Argo takes no dots.
            node.with_id(f"{prefix}-{node.id}")
    return made


def _records(config: Config, place: Place) -> Records:
    example_gen = ImageMaskExampleGen(
        input_base=place.data,
        files=place.files,
        held_out=place.held_out,
        serving_dir=place.serving,
        settings=_json(config.records),
        code_version=example_gen_version(config.data.layout),
    ).with_beam_pipeline_args(beam_arguments(config.execution))
    schema_gen = _of_tfx(ImportSchemaGen(schema_file=place.schema))
    schema = schema_gen.outputs["schema"]
    statistics_gen = _of_tfx(
        StatisticsGen(
            examples=example_gen.outputs["examples"],
            schema=schema,
            stats_options=StatsOptions(experimental_filter_read_paths=True),
        )
    )
    if config.execution.distributed:
        statistics_gen.with_beam_pipeline_args(beam_arguments(config.execution))
    validator = _of_tfx(ExampleValidator(statistics=statistics_gen.outputs["statistics"], schema=schema))
    return Records(example_gen, schema_gen, statistics_gen, validator)


def _passed(config: Config, place: Place, champion: str | None, records: Records) -> Passed:
    examples = records.example_gen.outputs["examples"]
    resolver = ChampionResolver(
        serving_dir=place.serving,
        champion_version=champion,
        champion_content=place.champion_content,
        code_version=_version("champion_resolver"),
    )
    gate = DataGate(
        examples=examples,
        anomalies=records.validator.outputs["anomalies"],
        champion=resolver.outputs["champion"],
        settings=_json(config.gate),
        data=_json(config.records),
        code_version=_version("data_gate"),
    )
    augmentor = Augmentor(
        examples=examples,
        # Ranges that no copy is drawn from must not make the node run again, and the trainer after it.
        settings=_json(config.augmentation if config.augmentation.copies else Augmentation()),
        folds=_json(config.fold_training) if config.fold_training else None,
        code_version=_version("augmentor"),
    ).with_beam_pipeline_args(beam_arguments(config.execution))
    # Its input does not come from the gate, but nothing may be made of data that the gate has not passed.
    augmentor.add_upstream_node(gate)
    return Passed(resolver, gate, augmentor)


def _training(config: Config, passed: Passed) -> Trained:
    settings = config.trainer
    trainer = _of_tfx(
        Trainer(
            run_fn=f"{RUN}.run_fn",
            examples=passed.augmentor.outputs["augmented_examples"],
            train_args=trainer_pb2.TrainArgs(splits=["train"]),
            eval_args=trainer_pb2.EvalArgs(splits=["eval"]),
            # Only where it is asked for: a new champion would make every training run again.
            base_model=passed.resolver.outputs["champion"] if config.training.warm_start else None,
            custom_config={
                "settings": settings.model_dump(mode="json"),
                "code_version": trainer_version(settings),
                **trainer_files(settings),
            },
        )
    )
    return Trained([trainer], trainer.outputs["model"], trainer.outputs["model_run"])


def _folds(config: Config, records: Records, passed: Passed, k: int) -> Trained:
    """A model for each fold, side by side, and the one that they make together."""
    folds = [_fold(config, records, passed, number, k) for number in range(1, k + 1)]
    ensemble = Ensemble(
        [(made.trainer.outputs["model"], made.trainer.outputs["model_run"]) for made in folds],
        settings=_json(config.data.derivation),
        # It loads the members, whose architecture may have layers of its own.
        code_version=code_version("components.ensemble.executor", network_module(config.model.architecture)),
    )
    pooled = OutOfFold(
        [(made.trainer.outputs["model_run"], made.evaluator.outputs["evaluation"]) for made in folds],
        settings=_json(config.evaluator_on(OUT_OF_FOLD)),
        code_version=_version("out_of_fold"),
    )
    nodes = [*chain.from_iterable(folds), ensemble, pooled]
    made = ensemble.outputs
    return Trained(nodes, made["model"], made["model_run"], pooled.outputs["out_of_fold"], folds)


def _fold(config: Config, records: Records, passed: Passed, number: int, k: int) -> Fold:
    settings, split = config.trainer_of_fold(number), fold_split(number)
    name, others = f"Trainer-{split}", [other for other in range(1, k + 1) if other != number]
    trainer = _of_tfx(
        Trainer(
            run_fn=f"{FOLD}.run_fn",
            examples=passed.augmentor.outputs["augmented_examples"],
            train_args=trainer_pb2.TrainArgs(splits=[*map(training_split, others)]),
            eval_args=trainer_pb2.EvalArgs(splits=[split]),
            custom_config={
                "fold": f"{name} (fold {number} of {k})",
                "settings": settings.model_dump(mode="json"),
                "code_version": trainer_version(settings, FOLD),
                **trainer_files(settings),
            },
        )
    ).with_id(name)
    inferrer = (
        BulkInferrer(
            examples=records.example_gen.outputs["examples"],
            model=trainer.outputs["model"],
            settings=_json(config.inferrer_on(split)),
            code_version=_version("bulk_inferrer"),
        )
        .with_beam_pipeline_args(beam_arguments(config.execution))
        .with_id(f"BulkInferrer-{split}")
    )
    evaluator = Evaluator(
        examples=records.example_gen.outputs["examples"],
        inference=inferrer.outputs["inference"],
        settings=_json(config.evaluator_on(split)),
        code_version=evaluator_version(config.training.loss),
    ).with_id(f"Evaluator-{split}")
    return Fold(trainer, inferrer, evaluator)


def _judged(config: Config, place: Place, records: Records, passed: Passed, trained: Trained) -> Judged:
    """Chosen is on validation or, where there are folds, out of fold; judged on the test split alone."""
    examples = records.example_gen.outputs["examples"]
    chosen_on = [fold_split(number) for number in range(1, len(trained.folds) + 1)] or [VALIDATION]
    inferrer = BulkInferrer(
        examples=examples,
        model=trained.model,
        settings=_json(config.inferrer_on(*([] if trained.folds else chosen_on), TEST)),
        code_version=_version("bulk_inferrer"),
    ).with_beam_pipeline_args(beam_arguments(config.execution))
    champion = ChampionInferrer(
        examples=examples,
        champion=passed.resolver.outputs["champion"],
        settings=_json(config.champion),
        code_version=_version("champion_inferrer"),
    )
    # Its inputs do not come from the gate, but data that it has not passed are not measured.
    champion.add_upstream_node(passed.gate)
    inferrers = [fold.inferrer for fold in trained.folds] or [inferrer]
    calibrator = Calibrator(
        examples=examples,
        model=trained.model,
        inferences=[each.outputs["inference"] for each in inferrers],
        settings=_json(config.calibrator_on(*chosen_on)),
        code_version=_version("calibrator"),
    )
    evaluator = Evaluator(
        examples=examples,
        inference=inferrer.outputs["inference"],
        model=calibrator.outputs["calibrated"],
        champion_inference=champion.outputs["inference"],
        out_of_fold=trained.out_of_fold,
        serving_dir=place.serving,
        settings=_json(config.evaluator),
        code_version=evaluator_version(config.training.loss),
    )
    return Judged(champion, inferrer, calibrator, evaluator)


def _release(
    config: Config, place: Place, records: Records, passed: Passed, trained: Trained, judgement: Judged
) -> Release:
    examples = records.example_gen.outputs["examples"]
    provenance = Provenance(recipe=place.name, notice=place.notice, config=config.model_dump(mode="json"))
    exporter = _exporter(config, records, judgement) if config.serving.engines else None
    evaluated = {
        "evaluation": judgement.evaluator.outputs["evaluation"],
        "engines": exporter.outputs["engines"] if exporter else None,
    }
    serving_check = ServingCheck(
        examples=examples,
        model=judgement.model,
        settings=_json(config.serving_check),
        code_version=version_with_engines("serving_check", config.serving.engines),
        **evaluated,
    )
    judged = {
        "split_report": passed.gate.outputs["split_report"],
        "infra_blessing": serving_check.outputs["blessing"],
        **evaluated,
    }
    pusher = Pusher(
        model=judgement.model,
        model_blessing=judgement.evaluator.outputs["blessing"],
        serving_dir=place.serving,
        run=place.run,
        settings=_json(PusherSettings(**dict(provenance), disclosure=config.serving.disclosure)),
        code_version=_version("pusher"),
        **judged,
    )
    release = [*filter(None, (exporter, serving_check, pusher))]
    code = _code([*records, *passed, *trained.nodes, *judgement, *release])
    told = ReportSettings(**dict(provenance), task=config.data.task, derivation=config.data.derivation, code=code)
    run_report = RunReport(
        examples=examples,
        model=judgement.model,
        inference=judgement.inferrer.outputs["inference"],
        fold_inferences=[fold.inferrer.outputs["inference"] for fold in trained.folds],
        model_run=trained.model_run,
        out_of_fold=trained.out_of_fold,
        blessing=judgement.evaluator.outputs["blessing"],
        pushed_model=pusher.outputs["pushed_model"],
        settings=_json(told),
        code_version=_version("run_report"),
        **judged,
    )
    return Release(exporter, serving_check, pusher, run_report)


def _exporter(config: Config, records: Records, judgement: Judged) -> EngineExporter:
    return EngineExporter(
        examples=records.example_gen.outputs["examples"],
        model=judgement.model,
        model_blessing=judgement.evaluator.outputs["blessing"],
        settings=_json(config.engine_exporter),
        code_version=version_with_engines("engine_export", config.serving.engines),
    )


def _of_tfx(component: Any) -> Any:
    """One of TFX's own components, which declare no traits; of those here none has any."""
    component.traits = Traits()
    return component


def _code(nodes: list[BaseNode]) -> dict[str, str]:
    """The version of the code that each node runs with, by its id; TFX's own have those of TFX."""
    given = {node.id: node.exec_properties for node in nodes}
    # The trainer's is among what it hands to its module.
    custom = {name: json.loads(properties.get("custom_config") or "{}") for name, properties in given.items()}
    found = {name: {**properties, **custom[name]}.get("code_version") for name, properties in given.items()}
    return {name: version for name, version in found.items() if version}


def _version(node: str) -> str:
    return code_version(f"components.{node}.executor")


def _json(settings: Section) -> str:
    return settings.model_dump_json()
