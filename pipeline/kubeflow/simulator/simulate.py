"""Runs a compiled pipeline on this machine, step by step as the cluster would, and says of each what happened."""

from __future__ import annotations

import os
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

from components.errors import UsageError
from components.example_gen.listing import fingerprint as fingerprint_of_files
from components.example_gen.settings import DataSettings
from components.files import locked
from pipeline.kubeflow.container.uris import launcher_path
from pipeline.kubeflow.simulator.backend import NEWEST, Backend
from pipeline.kubeflow.simulator.driver import Finished, Run, executor_input, fingerprint, run_parameters
from pipeline.kubeflow.simulator.launcher import Launcher, StepFailed
from pipeline.kubeflow.simulator.pod import Place
from pipeline.kubeflow.simulator.store import Store
from pipeline.kubeflow.simulator.tasks import Pipeline, Task, parse_pipeline
from pipeline.kubeflow.spec.lint import lint, refuse
from pipeline.kubeflow.spec.package import Package
from pipeline.kubeflow.spec.patch import with_cache_key
from pipeline.runs.console import RunConsole
from pipeline.runs.record import new_run_dir, write_run

_DEFAULT_ROOT = "minio://mlpipeline/v2/artifacts"
"""Where Kubeflow stores artifacts unless told otherwise."""
_REFUSED, _INTERRUPTED = 3, 130


@dataclass(frozen=True)
class Simulation:
    """What to run, where, and with which values for the pipeline's parameters."""

    package: Package
    out: Path
    place: Place
    parameters: Mapping[str, str]
    cache: bool = True
    """Whether results of earlier simulations in the same folder are taken, where the pipeline allows it."""
    backend: Backend = NEWEST


def simulate(simulation: Simulation, console: RunConsole) -> dict[str, Any]:
    """Runs the pipeline and returns the contents of its `run.json`, whose `exit_code` is that of the failed step.

    Raises:
        UsageError: the package, a value, or the output folder is not as it must be.
    """
    pipeline = parse_pipeline(simulation.package)
    parameters = run_parameters(pipeline.inputs, simulation.parameters)
    root = pipeline.root or _DEFAULT_ROOT
    launcher_path(root)
    simulation.place.check(pipeline.tasks)
    with ExitStack() as stack:
        try:
            simulation.out.mkdir(parents=True, exist_ok=True)
            stack.enter_context(locked(simulation.out / ".lock", wait=False))
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
        task = package.spec["root"]["dag"]["tasks"]["ImageMaskExampleGen"]
        told = task["inputs"]["parameters"]["settings"]["runtimeValue"]["constant"]
        settings = DataSettings.model_validate_json(told)
    except (KeyError, TypeError, ValueError) as error:
        raise UsageError(
            "--data: the pipeline has no ImageMaskExampleGen with settings, which reads the data. Leave --data out"
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
        self._launcher = Launcher(pipeline.name, self._store, simulation.place, simulation.backend, pods, self._run_dir)
        self._finished: dict[str, Finished] = {}
        self._record: dict[str, Any] = {
            "id": self._run_dir.name,
            "recipe": pipeline.name,
            "status": "running",
            "exit_code": None,
            "pid": os.getpid(),
            "steps": [],
            "reasons": [],
        }

    def run(self, root: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        job = str(uuid4())
        run = Run(job, self._record["id"], f"{root.rstrip('/')}/{self._pipeline.name}/{job}", parameters)
        write_run(self._run_dir, self._record)
        try:
            with self._console.live():
                for task in self._pipeline.tasks:
                    self._step(task, run)
            self._conclude()
        except StepFailed as failure:
            self._record |= {"status": "failed", "exit_code": failure.exit_code, "reasons": [str(failure)]}
        except BaseException as error:
            interrupted = isinstance(error, KeyboardInterrupt)
            self._record |= {
                "status": "interrupted" if interrupted else "failed",
                "exit_code": _INTERRUPTED if interrupted else getattr(error, "exit_code", 1),
                "reasons": [str(error) or type(error).__name__],
            }
            raise
        finally:
            write_run(self._run_dir, self._record)
        return self._record

    def _step(self, task: Task, run: Run) -> None:
        begin = time.monotonic()
        self._console.started(task.name)
        state, reason = "failed", ""
        try:
            given = executor_input(task, run, self._finished, self._backend)
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

    def _report(self, task: Task, state: str, seconds: float, reason: str) -> None:
        self._console.finished(task.name, state, seconds, reason)
        finished = self._finished.get(task.name)
        self._record["steps"].append(
            {
                "id": task.name,
                "state": state,
                "seconds": round(seconds, 2),
                "cached": state == "cached",
                "reason": reason,
                "log": None if state == "cached" else str(self._launcher.log(task)),
                "outputs": {} if finished is None else self._outputs(finished),
            }
        )
        write_run(self._run_dir, self._record)

    def _outputs(self, finished: Finished) -> dict[str, Any]:
        return {
            name: {"uri": artifact.uri, "path": str(self._store.path(artifact.uri)), "metadata": _plain(artifact)}
            for name, artifact in finished.artifacts.items()
        }

    def _conclude(self) -> None:
        """The run as `maskline run` would report it: what was pushed, or why not, and the report."""
        pushed, not_pushed, refused, report = None, None, None, None
        for finished in self._finished.values():
            if "report" in finished.artifacts:
                folder = self._store.path(finished.artifacts["report"].uri)
                report = next(map(str, folder.glob("*.html")), None)
            for artifact in finished.artifacts.values():
                metadata = _plain(artifact)
                if metadata.get("pushed"):
                    pushed = {"version": metadata["pushed_version"], "path": metadata["pushed_destination"]}
                elif "pushed" in metadata:
                    not_pushed = metadata["reason"]
                    refused = not_pushed if metadata.get("refused") else None
        self._record |= {
            "status": "refused by the evaluation" if refused else "done",
            "exit_code": _REFUSED if refused else 0,
            "reasons": [refused] if refused else [],
            "pushed": pushed,
            "not_pushed": not_pushed,
            "report": report,
        }


def _plain(artifact: RuntimeArtifact) -> dict[str, Any]:
    return json_format.MessageToDict(artifact.metadata)


def _why(task: Task, cache: bool) -> str:
    if not task.spec.caching_options.enable_cache:
        return "the pipeline does not let it be cached"
    return "not run before with this command, parameters and inputs" if cache else "asked to run again"


def conclusion(record: dict[str, Any]) -> list[str]:
    """The last lines of a simulation, for people."""
    lines = [f"{'Refused' if record['exit_code'] == _REFUSED else 'Failed'}: {reason}" for reason in record["reasons"]]
    failed = [step["log"] for step in record["steps"] if step["state"] == "failed" and step["log"]]
    lines += [f"Log of the step: {log}" for log in failed]
    if record.get("pushed"):
        lines.append(f"Pushed: version {record['pushed']['version']} to {record['pushed']['path']}")
    elif record.get("not_pushed"):
        lines.append(f"Not pushed: {record['not_pushed']}")
    if record.get("report"):
        lines.append(f"Report: {record['report']}")
    return lines
