"""The output `executor-logs` of a step, which its component does not declare.

After getLogWriter and qualifyExecutorLogsURI in backend/src/v2/component/launcher_v2.go of kubeflow/pipelines.
"""

from __future__ import annotations

import os
from pathlib import Path

from kfp.pipeline_spec import pipeline_spec_pb2 as pb

from pipeline.kubeflow.container.uris import local_path
from pipeline.kubeflow.simulator.backend import LOGS


def logs_of(given: pb.ExecutorInput) -> pb.RuntimeArtifact:
    """The artifact with what the step prints."""
    return given.outputs.artifacts[LOGS].artifacts[0]


def numbered(given: pb.ExecutorInput, retry: int) -> pb.ExecutorInput:
    """What the attempt `retry` is told, from 0: its log is not that of another attempt."""
    result = pb.ExecutorInput()
    result.CopyFrom(given)
    logs_of(result).uri += f"-{retry}"
    return result


def logs_file(given: pb.ExecutorInput, folder: Path) -> Path:
    """The file of the log below `folder`, as it is before the command; one that keeps nothing where there is no log."""
    if LOGS not in given.outputs.artifacts:
        return Path(os.devnull)
    path = local_path(logs_of(given).uri, folder)
    path.touch()
    path.chmod(0o666)  # On the cluster it belongs to the step's user, as whom the launcher runs.
    return path
