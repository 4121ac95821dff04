"""Beam: the arguments of its nodes, and what its runners on other machines need, checked before a node runs.

Beam is imported for that alone.
"""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import redirect_stderr
from pathlib import Path
from typing import Any

from components.errors import UsageError
from pipeline.config.execution import BeamRunner, Execution

NO_PACKAGE = "--sdk_container_image=unused"
"""TFX builds a source package of itself for every node with Beam arguments, unless told where workers find it."""

_PACKAGES = ("sdk_container_image", "setup_file", "requirements_file", "extra_packages")
_RUNNERS = {
    "dataflow": "DataflowRunner",
    "flink": "FlinkRunner",
    "spark": "SparkRunner",
    "portable": "PortableRunner",
}

Options = Mapping[str, Any]
"""The options of Beam with their values, those that were not given at their defaults."""


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


def runner_arguments(beam: BeamRunner) -> list[str]:
    """Beam's command line for a runner."""
    given = {option.partition("=")[0].removeprefix("--") for option in beam.options}
    packaged = given & {*_PACKAGES, "extra_package"}
    return [f"--runner={_RUNNERS[beam.runner]}", *beam.options, *([] if packaged else [NO_PACKAGE])]


def check_beam(execution: Execution, folders: Mapping[str, Path]) -> None:
    """Does nothing where Beam runs on this machine; `folders` are those that workers read or write, by what they are.

    Raises:
        UsageError: options that Beam does not know, or that are missing, or a folder that workers may not see.
    """
    if execution.distributed is None:
        return
    options = checked_options(execution.distributed)
    if not _works_here(execution.distributed.runner, options):
        _check_shared(execution.shared, folders)


def checked_options(beam: BeamRunner) -> Options:
    """Raises UsageError: options that Beam does not know, that are wrong, or that are missing."""
    options = _parsed(beam)
    missing = [*_missing_of_dataflow(options)] if beam.runner == "dataflow" else [*_missing(beam.runner, options)]
    if missing:
        raise UsageError(
            f"[execution] beam: {beam.runner} lacks {'; '.join(missing)}. Write "
            f'beam = {{ runner = "{beam.runner}", options = ["--name=value", ...] }}'
        )
    return options


def _parsed(beam: BeamRunner) -> Options:
    from apache_beam.options.pipeline_options import PipelineOptions
    from apache_beam.options.pipeline_options_validator import PipelineOptionsValidator

    said = io.StringIO()
    try:
        # Beam's parser prints its complaint, and leaves.
        with redirect_stderr(said):
            options = PipelineOptions(beam.options)
            known = options.get_all_options()
            unknown = options.get_all_options(retain_unknown_options=True).keys() - known
    except SystemExit:
        complaint = said.getvalue().rpartition("error: ")[2].strip()
        raise UsageError(f"[execution] beam: options of {beam.runner}: {complaint}") from None
    if unknown:
        names = ", ".join(f"--{name}" for name in sorted(unknown))
        raise UsageError(f"[execution] beam: Beam knows no option {names}. Correct the name, or remove it.")
    complaints = PipelineOptionsValidator(options, None).validate()
    if complaints:
        raise UsageError(f"[execution] beam: options of {beam.runner}: {' '.join(complaints)}")
    return known


def _missing_of_dataflow(options: Options) -> Iterator[str]:
    for name, example in (("project", "ID"), ("region", "europe-west3"), ("temp_location", "gs://BUCKET/FOLDER")):
        if not options[name]:
            yield f"--{name}={example}"
    if not (options["temp_location"] or "gs://").startswith("gs://"):
        yield f"a --temp_location that begins with gs:// (found {options['temp_location']})"
    if not any(options[name] for name in _PACKAGES):
        yield "--sdk_container_image=IMAGE, an image that has Maskline, for its workers"


def _missing(runner: str, options: Options) -> Iterator[str]:
    """Of the runners that speak Beam's job API: a job server, and workers that have Maskline."""
    java = options["job_server_java_launcher"]
    if not options["job_endpoint"]:
        if runner == "portable":
            yield "--job_endpoint=HOST:PORT, the address of its job server"
        elif not shutil.which(java):
            yield (
                f"Java ({java} is not found), with which Beam starts the job server on this machine: install it, or "
                "give --job_endpoint=HOST:PORT of one that runs"
            )
    kind = (options["environment_type"] or "DOCKER").upper()
    where = options["environment_config"] or options["environment_options"]
    if kind == "DOCKER" and not where and not _works_here(runner, options):
        yield (
            "where its workers find Maskline, which Beam's own image has not: --environment_config=IMAGE that has "
            "it, or --environment_type=EXTERNAL with --environment_config=HOST:PORT of a worker pool"
        )


def _works_here(runner: str, options: Options) -> bool:
    """Whether the workers are this process: Beam's choice where it starts the cluster itself, on this machine."""
    own = {
        "flink": options["flink_master"] in ("[local]", "[auto]"),
        "spark": options["spark_master_url"].startswith("local"),
    }
    beams_choice = "LOOPBACK" if own.get(runner) and not options["job_endpoint"] else ""
    return (options["environment_type"] or beams_choice).upper() == "LOOPBACK"


def _check_shared(shared: Sequence[str], folders: Mapping[str, Path]) -> None:
    for what, folder in folders.items():
        if not any(folder.is_relative_to(Path(path).resolve()) for path in shared):
            raise UsageError(
                f"{folder}: the {what} is on this machine, where the workers of [execution] beam may not see it. Put "
                "it on a file system that every worker mounts under the same path, and name that in [execution] "
                f"shared; found there: {', '.join(shared) or 'nothing'}"
            )
