"""Runs a compiled pipeline on this machine, step by step as the cluster would, and says of each what happened."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from google.protobuf import json_format
from kfp.pipeline_spec.pipeline_spec_pb2 import RuntimeArtifact

from components.errors import UsageError, exit_code_of
from components.example_gen.listing import fingerprint as fingerprint_of_files
from components.example_gen.settings import DataSettings
from components.files import locked
from pipeline.graph.roles import Role, final_nodes, in_roles, roles_of
from pipeline.kubeflow.container.uris import launcher_path
from pipeline.kubeflow.simulator.backend import NEWEST, Backend
from pipeline.kubeflow.simulator.driver import Finished, RunContext, executor_input, fingerprint, run_parameters
from pipeline.kubeflow.simulator.launcher import Launcher, StepFailed
from pipeline.kubeflow.simulator.pod import Runtime
from pipeline.kubeflow.simulator.store import Store
from pipeline.kubeflow.simulator.tasks import Pipeline, Task, parse_pipeline
from pipeline.kubeflow.spec.lint import lint, refuse
from pipeline.kubeflow.spec.package import Package
from pipeline.kubeflow.spec.patch import readers, with_cache_key
from pipeline.runs.console import RunConsole
from pipeline.runs.folders import RUN_LOCK, new_run_dir
from pipeline.runs.outcome import Output, complete, conclude, notices
from pipeline.runs.record import RunRecord, State, Status, Step, write_run

_DEFAULT_ROOT = "minio://mlpipeline/v2/artifacts"
"""Where Kubeflow stores artifacts unless told otherwise."""


@dataclass(frozen=True)
class Simulation:
    """What to run, where, and with which values for the pipeline's parameters."""

    package: Package
    out: Path
    runtime: Runtime
    parameters: Mapping[str, str]
    cache: bool = True
    """Whether results of earlier simulations in the same folder are taken, where the pipeline allows it."""
    backend: Backend = NEWEST


def simulate(simulation: Simulation, console: RunConsole) -> RunRecord:
    """Runs the pipeline and returns its record, as of a local run; its `exit_code` is that of the failed step.

    Raises:
        UsageError: the package, a value, or the output folder is not as it must be.
    """
    pipeline = parse_pipeline(simulation.package)
    parameters = run_parameters(pipeline.inputs, simulation.parameters)
    root = pipeline.root or _DEFAULT_ROOT
    launcher_path(root)
    simulation.runtime.check(pipeline.tasks)
    with ExitStack() as stack:
        try:
            simulation.out.mkdir(parents=True, exist_ok=True)
            stack.enter_context(locked(simulation.out / RUN_LOCK, wait=False))
        except BlockingIOError:
            raise UsageError(f"{simulation.out}: another simulation works there. Choose another: --out DIR") from None
        except OSError as error:
            raise UsageError(
                f"{simulation.out}: cannot be used: {error.strerror}. Choose another: --out DIR"
            ) from error
        return _Simulator(simulation, pipeline, console).run(root, parameters)


def for_data(package: Package, data: Path) -> Package:
    """The package as it is submitted for the data that lie in a folder: reading them is reused until they change.

    Raises:
        UsageError: the folder is missing, or not laid out as the recipe says; the cluster would refuse the package, or
            no step of it reads data.
    """
    if not data.is_dir():
        raise UsageError(f"{data}: no such folder. --data DIR is [data] input as this machine sees it; or leave it out")
    refuse(lint(package))
    try:
        told = readers(package.spec)[0]["inputs"]["parameters"]["settings"]["runtimeValue"]["constant"]
    except (IndexError, KeyError, TypeError) as error:
        raise UsageError(
            "--data: the pipeline has no ImageMaskExampleGen with settings, which reads the data. Leave --data out"
        ) from error
    try:
        settings = DataSettings.model_validate_json(told)
    except ValueError as error:
        raise UsageError(
            "the settings of ImageMaskExampleGen are not those of this version: the pipeline was compiled by an "
            f"earlier one, or edited. Compile it anew. {error}"
        ) from error
    return Package(with_cache_key(package.spec, fingerprint_of_files(data, settings)), package.platform)


class _Simulator:
    def __init__(self, simulation: Simulation, pipeline: Pipeline, console: RunConsole) -> None:
        out = simulation.out.resolve()
        self._pipeline, self._console = pipeline, console
        self._cache, self._backend = simulation.cache, simulation.backend
        self._run_dir = new_run_dir(out)
        self._store = Store(out)
        # Processes of a killed simulation may live on: what they write must not come near this one's steps.
        shutil.rmtree(out / "pods", ignore_errors=True)
        pods = out / "pods" / self._run_dir.name
        self._launcher = Launcher(
            pipeline.name, self._store, simulation.runtime, simulation.backend, pods, self._run_dir
        )
        self._finished: dict[str, Finished] = {}
        self._roles = roles_of({task.name: task.output_types for task in pipeline.tasks})
        self._record = RunRecord.begun(self._run_dir, pipeline.name)

    def run(self, root: str, parameters: Mapping[str, Any]) -> RunRecord:
        job = str(uuid4())
        context = RunContext(job, self._record.id, f"{root.rstrip('/')}/{self._pipeline.name}/{job}", parameters)
        write_run(self._run_dir, self._record)
        try:
            with self._console.live():
                for task in self._pipeline.tasks:
                    self._step(task, context)
            conclude(self._record, self._outputs())
        except StepFailed as failure:
            self._record.end("failed", failure.exit_code, [str(failure)])
        except BaseException as error:
            status: Status = "interrupted" if isinstance(error, KeyboardInterrupt) else "failed"
            self._record.end(status, exit_code_of(error), [str(error) or type(error).__name__])
            raise
        finally:
            complete(self._record, self._outputs())
            write_run(self._run_dir, self._record)
        return self._record

    def _step(self, task: Task, context: RunContext) -> None:
        begin = time.monotonic()
        self._console.started(task.name)
        state: State = "failed"
        reason = ""
        try:
            given = executor_input(task, context, self._finished, self._backend)
            cacheable = self._cache and task.spec.caching_options.enable_cache
            key = fingerprint(task, given, self._backend) if cacheable else ""
            cached = self._store.cached(self._pipeline.name, key) if key else None
            self._finished[task.name] = cached or self._launcher.launch(task, given, key)
            state = "cached" if cached else "ran"
            reason = "the same command, parameters and inputs as before" if cached else _why(task, self._cache)
        except BaseException as error:
            reason = str(error).partition("\n")[0] or type(error).__name__
            raise
        finally:
            self._report(task, state, time.monotonic() - begin, reason)

    def _report(self, task: Task, state: State, seconds: float, reason: str) -> None:
        finished = self._finished.get(task.name)
        step = Step(
            id=task.name,
            state=state,
            seconds=round(seconds, 2),
            cached=state == "cached",
            reason=reason,
            log=None if state == "cached" else str(self._launcher.log(task)),
            outputs={} if finished is None else self._described(finished),
        )
        self._record.steps.append(step)
        self._console.finished(step)
        for notice in notices(self._left(task.name)):
            self._console.warn(notice)
        write_run(self._run_dir, self._record)

    def _described(self, finished: Finished) -> dict[str, Any]:
        return {
            name: {"uri": artifact.uri, "path": str(self._store.path(artifact.uri)), "metadata": _plain(artifact)}
            for name, artifact in finished.artifacts.items()
        }

    def _outputs(self) -> dict[Role, Output]:
        """What the final steps of each role have left, where the store has it."""
        final = final_nodes(self._roles)
        return {role: left[role] for role, task in final.items() if role in (left := self._left(task))}

    def _left(self, task: str) -> dict[Role, Output]:
        artifacts = self._finished[task].artifacts if task in self._finished else {}
        outputs = {name: Output(self._store.path(made.uri), _plain(made)) for name, made in artifacts.items()}
        return in_roles(task, outputs, self._roles)


def _plain(artifact: RuntimeArtifact) -> dict[str, Any]:
    return json_format.MessageToDict(artifact.metadata)


def _why(task: Task, cache: bool) -> str:
    if not task.spec.caching_options.enable_cache:
        return "the pipeline does not let it be cached"
    return "not run before with this command, parameters and inputs" if cache else "asked to run again"
