"""The graph: which component feeds which, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ml_metadata.proto import metadata_store_pb2
from tensorflow_data_validation import StatsOptions
from tfx.components import ExampleValidator, StatisticsGen, Trainer
from tfx.components.schema_gen.import_schema_gen.component import ImportSchemaGen
from tfx.orchestration.pipeline import Pipeline
from tfx.proto import trainer_pb2

import schemas
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
from pipeline.config.execution import Execution
from pipeline.config.root import Config
from pipeline.graph.beam import NO_PACKAGE, runner_arguments

SCHEMA = Path(schemas.__file__).parent / "image_mask.pbtxt"


@dataclass(frozen=True)
class Place:
    """Where a run reads and writes."""

    name: str
    """Of the pipeline: runs of one name and one metadata store share their cached results."""
    data: str
    files: str
    """Fingerprint of the input files."""
    held_out: str | None
    """The groups that the champion's memory puts into the test split, as JSON; None: to be found when the node runs,
    because a graph is compiled once and run many times."""
    notice: str
    """What must be said of the data wherever their numbers stand."""
    root: str
    """Folder of the artifacts."""
    serving: str
    schema: str
    """Path of the schema; it must change with the contents."""
    run: str
    """Id of this run."""
    metadata: metadata_store_pb2.ConnectionConfig | None
    """None: the platform keeps its own."""


def create_pipeline(config: Config, place: Place, champion: str | None) -> Pipeline:
    """The graph of a config; `champion` is the version served when the run starts, empty for none.

    None: to be read when its node runs.
    """
    data = _json(config.data.settings)
    settings = config.trainer
    provenance = Provenance(recipe=place.name, notice=place.notice, config=config.model_dump(mode="json"))

    example_gen = ImageMaskExampleGen(
        input_base=place.data,
        files=place.files,
        held_out=place.held_out,
        serving_dir=place.serving,
        settings=data,
        code_version=example_gen_version(config.data.layout),
    ).with_beam_pipeline_args(beam_arguments(config.execution))
    examples = example_gen.outputs["examples"]
    schema_gen = ImportSchemaGen(schema_file=place.schema)
    schema = schema_gen.outputs["schema"]
    statistics_gen = StatisticsGen(
        examples=examples, schema=schema, stats_options=StatsOptions(experimental_filter_read_paths=True)
    )
    if config.execution.distributed:
        statistics_gen.with_beam_pipeline_args(beam_arguments(config.execution))
    validator = ExampleValidator(statistics=statistics_gen.outputs["statistics"], schema=schema)
    resolver = ChampionResolver(
        serving_dir=place.serving,
        champion_version=champion,
        code_version=_version("champion_resolver"),
    )
    gate = DataGate(
        examples=examples,
        anomalies=validator.outputs["anomalies"],
        champion=resolver.outputs["champion"],
        settings=_json(config.gate),
        data=data,
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
    trainer = Trainer(
        run_fn="components.trainer.run.run_fn",
        examples=augmentor.outputs["augmented_examples"],
        train_args=trainer_pb2.TrainArgs(splits=["train"]),
        eval_args=trainer_pb2.EvalArgs(splits=["eval"]),
        # Only where it is asked for: a new champion would make every training run again.
        base_model=resolver.outputs["champion"] if config.training.warm_start else None,
        custom_config={"settings": settings.model_dump(mode="json"), "code_version": trainer_version(settings)},
    )
    model = trainer.outputs["model"]
    evaluator = Evaluator(
        examples=examples,
        model=model,
        champion=resolver.outputs["champion"],
        settings=_json(config.evaluator),
        code_version=evaluator_version(config.training.loss),
    )
    serving_check = ServingCheck(
        examples=examples, model=model, settings=_json(config.serving_check), code_version=_version("serving_check")
    )
    pusher = Pusher(
        model=model,
        evaluation=evaluator.outputs["evaluation"],
        model_blessing=evaluator.outputs["blessing"],
        infra_blessing=serving_check.outputs["blessing"],
        serving_dir=place.serving,
        split_report=gate.outputs["split_report"],
        run=place.run,
        settings=_json(provenance),
        code_version=_version("pusher"),
    )
    run_report = RunReport(
        examples=examples,
        split_report=gate.outputs["split_report"],
        model_run=trainer.outputs["model_run"],
        evaluation=evaluator.outputs["evaluation"],
        blessing=evaluator.outputs["blessing"],
        infra_blessing=serving_check.outputs["blessing"],
        pushed_model=pusher.outputs["pushed_model"],
        settings=_json(ReportSettings(**dict(provenance), task=config.data.task)),
        code_version=_version("run_report"),
    )
    return Pipeline(
        pipeline_name=place.name,
        pipeline_root=place.root,
        metadata_connection_config=place.metadata,
        enable_cache=config.execution.cache,
        components=[
            example_gen,
            schema_gen,
            statistics_gen,
            validator,
            resolver,
            gate,
            augmentor,
            trainer,
            evaluator,
            serving_check,
            pusher,
            run_report,
        ],
    )


def beam_arguments(execution: Execution) -> list[str]:
    """Arguments for the nodes that work in Beam; they are part of the key of TFX's cache.

    Threads need none: their number changes no result, and so must not make the nodes run again.
    """
    if execution.distributed:
        return runner_arguments(execution.distributed)
    if execution.parallel == "threads":
        return []
    # 0 means one per core to Beam as well, and of the machine where it runs.
    return ["--direct_running_mode=multi_processing", f"--direct_num_workers={execution.workers}", NO_PACKAGE]


def _version(node: str) -> str:
    return code_version(f"components.{node}.executor")


def _json(settings: Section) -> str:
    return settings.model_dump_json()
