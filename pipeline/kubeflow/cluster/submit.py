"""The verbs that talk to a cluster: from a recipe to a run, a recurring run, or what became of them."""

from __future__ import annotations

import os
import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from components.errors import ExitCode, UsageError
from components.example_gen.listing import fingerprint
from pipeline.config.kubeflow import Kubeflow
from pipeline.config.root import Config
from pipeline.kubeflow.cluster.client import Cluster, Timer, Version
from pipeline.kubeflow.cluster.connection import find_connection
from pipeline.kubeflow.cluster.cron import next_time
from pipeline.kubeflow.cluster.record import PENDING, ClusterRun
from pipeline.kubeflow.cluster.wait import wait
from pipeline.kubeflow.spec.compile import compile_package, pipeline_name
from pipeline.kubeflow.spec.lint import lint, refuse
from pipeline.kubeflow.spec.package import Package
from pipeline.kubeflow.spec.patch import with_cache_key
from pipeline.runs.conclusion import conclusion
from pipeline.runs.console import RunConsole
from pipeline.runs.quiet import quiet


def reach(settings: Kubeflow, console: RunConsole, timer: Timer | None = None) -> Cluster:
    """The cluster of a recipe.

    Raises:
        UsageError: the recipe and the environment do not say which, or not so that it can be.
    """
    return Cluster(find_connection(settings, os.environ), timer or Timer(), console.warn)


def prepare(name: str, config: Config, data: str | None, seen: Path | None, console: RunConsole) -> Package:
    """The compiled and linted pipeline of a recipe.

    `data` is the input folder as the containers see it (None: as the recipe says). `seen` is the same folder as this
    machine sees it, where it does: the nodes that read it are cached until its files change.

    Raises:
        UsageError: the config lacks what a cluster needs, there are no data, or the cluster would refuse the pipeline.
    """
    if seen is not None and not seen.is_dir():
        raise UsageError(f"{seen}: no such folder. --local-data DIR is the folder of the data on this machine")
    with quiet(Path(os.devnull)):  # TensorFlow greets.
        package = compile_package(name, config, data)
    if seen is not None:
        files = fingerprint(seen, config.records)
        package = Package(with_cache_key(package.spec, files), package.platform)
    faults = lint(package)
    refuse(faults)
    for fault in faults:
        console.warn(str(fault))
    return package


def submit(
    name: str,
    config: Config,
    package: Package,
    cluster: Cluster,
    console: RunConsole,
    waits: bool,
    timeout: float | None,
) -> ClusterRun:
    """Uploads and starts a pipeline, waits for its end where asked to; what became of it.

    Raises:
        ClusterError: the cluster refuses or cannot be reached.
    """
    experiment, version = _uploaded(name, config, package, cluster)
    run_name = f"{pipeline_name(name)}-{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"
    run = cluster.start(run_name, experiment, version, config.kubeflow.pipeline_root)
    url = f"{cluster.connection.endpoint}/#/runs/details/{run.run_id}"
    console.say(f"{name}: run {run_name}, version {version.name}, {url}")
    started = ClusterRun(
        id=run.run_id,
        name=run_name,
        version=version.name,
        url=url,
        state=run.state or PENDING,
        exit_code=ExitCode.DONE,
    )
    if not waits:
        return started
    try:
        ended = wait(cluster, started, package.spec["root"]["dag"]["tasks"], timeout, console)
    except KeyboardInterrupt:
        console.warn(f"the run {run.run_id} goes on")
        raise
    for line in [*conclusion(ended.recorded(name)), f"{ended.state.capitalize()}: {url}"]:
        console.say(line)
    return ended


def schedule(
    name: str, config: Config, package: Package, fields: str, cluster: Cluster, console: RunConsole
) -> dict[str, Any]:
    """Makes the recipe's recurring run, in place of an earlier one; `fields` as `six_fields` returns them.

    Raises:
        ClusterError: the cluster refuses or cannot be reached.
    """
    experiment, version = _uploaded(name, config, package, cluster)
    recurring, replaced = cluster.schedule(
        pipeline_name(name), fields, experiment, version, config.kubeflow.pipeline_root
    )
    first = next_time(fields, datetime.now(UTC))
    instead = f", instead of {replaced} earlier" if replaced else ""
    console.say(f"{name}: runs at {fields!r}{instead}; next {first:%Y-%m-%d %H:%M:%S} where the cluster's clock is UTC")
    return {
        "id": recurring.recurring_run_id,
        "cron": fields,
        "version": version.name,
        "replaced": replaced,
        "next_utc": first.isoformat(),
    }


def unschedule(name: str, config: Config, cluster: Cluster, console: RunConsole) -> dict[str, Any]:
    """Deletes the recipe's recurring run. Runs that it has started go on.

    Raises:
        UsageError: there is none.
        ClusterError: the cluster refuses or cannot be reached.
    """
    experiment = config.kubeflow.experiment
    deleted = cluster.unschedule(pipeline_name(name), experiment)
    if not deleted:
        raise UsageError(
            f"{name}: not scheduled in experiment {experiment!r} at {cluster.connection.endpoint}. "
            "Name the recipe as it was scheduled, and check [kubeflow] experiment and namespace"
        )
    console.say(f"{name}: not scheduled any more")
    return {"deleted": deleted}


def _uploaded(name: str, config: Config, package: Package, cluster: Cluster) -> tuple[str, Version]:
    return cluster.experiment(config.kubeflow.experiment), cluster.upload(pipeline_name(name), package)
