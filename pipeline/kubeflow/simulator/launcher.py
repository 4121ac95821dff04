"""What Kubeflow's launcher does around the command of a step: inputs down, outputs up, metadata merged.

After executeV2, execute and uploadOutputArtifacts in backend/src/v2/component/launcher_v2.go of kubeflow/pipelines,
2.4.1 to 2.17.0; what differs among them is in `Backend`. Retries are Argo's: workflow/controller/operator.go of
argoproj/argo-workflows.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2 as pb
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, stop_before_delay, wait_exponential

from components.errors import ExitCode, MasklineError
from pipeline.kubeflow.container.logs import TERMINATION_LOG
from pipeline.kubeflow.container.uris import in_root, local_path
from pipeline.kubeflow.simulator.backend import LOGS, Backend
from pipeline.kubeflow.simulator.driver import Finished, from_text
from pipeline.kubeflow.simulator.logs import logs_file, logs_of, numbered
from pipeline.kubeflow.simulator.placeholders import filled
from pipeline.kubeflow.simulator.pod import Runtime, prepare
from pipeline.kubeflow.simulator.store import Store
from pipeline.kubeflow.simulator.tasks import Task

_LOG_TAIL = 20


class StepFailed(MasklineError):
    """A step's command ended with another exit code than 0, which is this error's."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


@dataclass(frozen=True)
class Launcher:
    """Runs the steps of one pipeline."""

    pipeline: str
    store: Store
    runtime: Runtime
    backend: Backend
    pods: Path
    """Folder for the steps' file systems."""
    logs: Path
    """Folder for what the steps print."""

    def launch(self, task: Task, given: pb.ExecutorInput, fingerprint: str) -> Finished:
        """Runs a step, again where its retry policy says so, and records what it came to.

        Raises:
            StepFailed: the last attempt has failed.
        """
        policy = task.spec.retry_policy
        # Its "max duration" is no cap on the wait: Argo, to which Kubeflow hands it, counts it from the start of the
        # first attempt and begins none after it. Unset, it is 0, and nothing is run again.
        deadline = stop_before_delay(policy.backoff_max_duration.ToTimedelta())
        again = Retrying(
            stop=stop_after_attempt(policy.max_retry_count + 1) | deadline,
            wait=wait_exponential(
                multiplier=policy.backoff_duration.ToTimedelta().total_seconds(), exp_base=policy.backoff_factor or 1
            ),
            retry=retry_if_exception_type(StepFailed),
            reraise=True,
        )
        retries = count()

        def attempt() -> Finished:
            told = numbered(given, next(retries)) if self.backend.numbers_logs else given
            return self._attempt(task, told, fingerprint)

        return again(attempt)

    def log(self, task: Task) -> Path:
        """What all attempts of a step have printed."""
        return self.logs / f"{task.name}.log"

    def _attempt(self, task: Task, given: pb.ExecutorInput, fingerprint: str) -> Finished:
        folder = self.pods / task.name
        shutil.rmtree(folder, ignore_errors=True)
        prepare(folder)
        _for_each(given.inputs.artifacts, lambda uri: self.store.download(uri, folder))
        _for_each(given.outputs.artifacts, lambda uri: _make_room(local_path(uri, folder)))
        code = self._run(task, given, folder)
        if code:
            self._publish_logs(given, folder)
            raise StepFailed(self._last_word(task, folder, code), code)
        finished = self._publish(task, given, folder, fingerprint)
        shutil.rmtree(folder)
        return finished

    def _run(self, task: Task, given: pb.ExecutorInput, folder: Path) -> int:
        """Runs the command, and returns its exit code.

        The file of `executor-logs` is open meanwhile, as on the cluster; there it grows with what is printed, here it
        is filled in the end.
        """
        command = [*task.container.command, *task.container.args]
        command = filled(command, with_defaults(given, task.component), self.runtime.root(folder))
        with logs_file(given, folder).open("wb") as copy, self.log(task).open("ab") as log:
            begin = log.tell()
            code = self.runtime.run(task, command, folder, log)
            with self.log(task).open("rb") as printed:
                printed.seek(begin)
                shutil.copyfileobj(printed, copy)
        return code

    def _publish_logs(self, given: pb.ExecutorInput, folder: Path) -> None:
        """All that is kept of an attempt that has failed, if that."""
        if self.backend.numbers_logs:
            self.store.upload(logs_of(given).uri, folder)
            self.store.record(self.pipeline, "", {}, {LOGS: logs_of(given)})

    def _publish(self, task: Task, given: pb.ExecutorInput, folder: Path, fingerprint: str) -> Finished:
        output = _executor_output(in_root(given.outputs.output_file, folder))
        parameters = dict(output.parameter_values)
        for name, item in given.outputs.parameters.items():
            path = in_root(item.output_file, folder)
            if name not in parameters and not path.exists():
                raise StepFailed(f"{task.name}: wrote no output parameter {name!r}", ExitCode.FAILED)
            if name not in parameters:
                kind = task.component.output_definitions.parameters[name].parameter_type
                parameters[name] = from_text(name, path.read_text(encoding="utf-8"), kind)
        artifacts = {}
        for name, items in given.outputs.artifacts.items():
            own = output.artifacts[name].artifacts[0] if name in output.artifacts else None
            artifacts[name] = merged(items.artifacts[0], own)
            self.store.upload(artifacts[name].uri, folder)
        return self.store.record(self.pipeline, fingerprint, parameters, artifacts)

    def _last_word(self, task: Task, folder: Path, code: int) -> str:
        """What Kubernetes shows of a failed pod: what it left as its last word, else the end of its log."""
        message = in_root(TERMINATION_LOG, folder).read_text(encoding="utf-8", errors="replace").strip()
        if not message:
            lines = self.log(task).read_text(encoding="utf-8", errors="replace").splitlines()
            message = "\n".join(lines[-_LOG_TAIL:])
        return f"{task.name}: ended with code {code}: {message}"


def with_defaults(given: pb.ExecutorInput, component: pb.ComponentSpec) -> pb.ExecutorInput:
    """What the driver provided for, with the component's own values of the parameters that the task gives none."""
    result = pb.ExecutorInput()
    result.CopyFrom(given)
    for key, spec in component.input_definitions.parameters.items():
        if key not in given.inputs.parameter_values and spec.HasField("default_value"):
            result.inputs.parameter_values[key].CopyFrom(spec.default_value)
    return result


def merged(provided: pb.RuntimeArtifact, own: pb.RuntimeArtifact | None) -> pb.RuntimeArtifact:
    """An output as the driver provided for it, with the address and metadata that the step itself reports."""
    result = pb.RuntimeArtifact()
    result.CopyFrom(provided)
    if own is not None:
        result.uri = own.uri or provided.uri
        for key, value in own.metadata.fields.items():
            result.metadata.fields[key].CopyFrom(value)
    return result


def _executor_output(path: Path) -> pb.ExecutorOutput:
    text = path.read_text(encoding="utf-8") if path.exists() else "{}"
    return json_format.Parse(text, pb.ExecutorOutput())


def _for_each(artifacts: Mapping[str, pb.ArtifactList], action: Callable[[str], None]) -> None:
    for items in artifacts.values():
        action(items.artifacts[0].uri)


def _make_room(path: Path) -> None:
    """The launcher makes the folder above an output; the output itself is the step's."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.parent.chmod(0o777)
