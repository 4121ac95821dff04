"""The nodes of one stage, from a folder of images to a served model: which component feeds which."""

from __future__ import annotations

from typing import Any, NamedTuple

from tensorflow_data_validation import StatsOptions
from tfx.components import ExampleValidator, StatisticsGen, Trainer
from tfx.components.schema_gen.import_schema_gen.component import ImportSchemaGen
from tfx.dsl.components.base.base_node import BaseNode
from tfx.proto import trainer_pb2

from components.augmentor.component import Augmentor
from components.champion_resolver.component import ChampionResolver
from components.code_version import code_version
from components.data_gate.component import DataGate
from components.evaluator.component import Evaluator
from components.evaluator.version import evaluator_version
from components.example_gen.component import ImageMaskExampleGen
from components.example_gen.version import example_gen_version
from components.imaging.augmentation.settings import Augmentation
from components.provenance import Provenance
from components.pusher.component import Pusher
from components.run_report.component import RunReport
from components.run_report.settings import ReportSettings
from components.serving_check.component import ServingCheck
from components.settings import Section
from components.trainer.version import trainer_version
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


class Model(NamedTuple):
    """A model and its measures."""

    trainer: Trainer
    evaluator: Evaluator


class Release(NamedTuple):
    """What makes a model that may be served the served one, and tells of it."""

    serving_check: ServingCheck
    pusher: Pusher
    run_report: RunReport


class Stage(NamedTuple):
    """The nodes of a stage in groups, in the order of the data."""

    records: Records
    passed: Passed
    model: Model
    release: Release

    @property
    def nodes(self) -> list[BaseNode]:
        return [node for group in self for node in group]


def stage(config: Config, place: Place, champion: str | None, prefix: str = "") -> Stage:
    """The nodes of a config, with the ids `PREFIX.Trainer` or, without a prefix, `Trainer`.

    `champion` is the version served when the run starts, empty for none; None: to be read when its node runs.
    """
    records = _records(config, place)
    passed = _passed(config, place, champion, records)
    model = _model(config, records, passed)
    made = Stage(records, passed, model, _release(config, place, records, passed, model))
    if prefix:
        for node in made.nodes:
            node.with_id(f"{prefix}.{node.id}")
    return made


def _records(config: Config, place: Place) -> Records:
    example_gen = ImageMaskExampleGen(
        input_base=place.data,
        files=place.files,
        held_out=place.held_out,
        serving_dir=place.serving,
        settings=_json(config.data.settings),
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
        code_version=_version("champion_resolver"),
    )
    gate = DataGate(
        examples=examples,
        anomalies=records.validator.outputs["anomalies"],
        champion=resolver.outputs["champion"],
        settings=_json(config.gate),
        data=_json(config.data.settings),
        code_version=_version("data_gate"),
    )
    augmentor = Augmentor(
        examples=examples,
        # Ranges that no copy is drawn from must not make the node run again, and the trainer after it.
        settings=_json(config.augmentation if config.augmentation.copies else Augmentation()),
        code_version=_version("augmentor"),
    ).with_beam_pipeline_args(beam_arguments(config.execution))
    # Its input does not come from the gate, but nothing may be made of data that the gate has not passed.
    augmentor.add_upstream_node(gate)
    return Passed(resolver, gate, augmentor)


def _model(config: Config, records: Records, passed: Passed) -> Model:
    settings = config.trainer
    champion = passed.resolver.outputs["champion"]
    trainer = _of_tfx(
        Trainer(
            run_fn="components.trainer.run.run_fn",
            examples=passed.augmentor.outputs["augmented_examples"],
            train_args=trainer_pb2.TrainArgs(splits=["train"]),
            eval_args=trainer_pb2.EvalArgs(splits=["eval"]),
            # Only where it is asked for: a new champion would make every training run again.
            base_model=champion if config.training.warm_start else None,
            custom_config={"settings": settings.model_dump(mode="json"), "code_version": trainer_version(settings)},
        )
    )
    evaluator = Evaluator(
        examples=records.example_gen.outputs["examples"],
        model=trainer.outputs["model"],
        champion=champion,
        settings=_json(config.evaluator),
        code_version=evaluator_version(config.training.loss),
    )
    return Model(trainer, evaluator)


def _release(config: Config, place: Place, records: Records, passed: Passed, model: Model) -> Release:
    examples = records.example_gen.outputs["examples"]
    provenance = Provenance(recipe=place.name, notice=place.notice, config=config.model_dump(mode="json"))
    serving_check = ServingCheck(
        examples=examples,
        model=model.trainer.outputs["model"],
        settings=_json(config.serving_check),
        code_version=_version("serving_check"),
    )
    judged = {
        "split_report": passed.gate.outputs["split_report"],
        "evaluation": model.evaluator.outputs["evaluation"],
        "infra_blessing": serving_check.outputs["blessing"],
    }
    pusher = Pusher(
        model=model.trainer.outputs["model"],
        model_blessing=model.evaluator.outputs["blessing"],
        serving_dir=place.serving,
        run=place.run,
        settings=_json(provenance),
        code_version=_version("pusher"),
        **judged,
    )
    run_report = RunReport(
        examples=examples,
        model_run=model.trainer.outputs["model_run"],
        blessing=model.evaluator.outputs["blessing"],
        pushed_model=pusher.outputs["pushed_model"],
        settings=_json(ReportSettings(**dict(provenance), task=config.data.task)),
        code_version=_version("run_report"),
        **judged,
    )
    return Release(serving_check, pusher, run_report)


def _of_tfx(component: Any) -> Any:
    """One of TFX's own components, which declare no traits; of those here none has any."""
    component.traits = Traits()
    return component


def _version(node: str) -> str:
    return code_version(f"components.{node}.executor")


def _json(settings: Section) -> str:
    return settings.model_dump_json()
