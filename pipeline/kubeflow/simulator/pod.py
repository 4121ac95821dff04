"""Where a step runs: a process on this machine, or a container of the image that the cluster would pull."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from uuid import uuid4

import pipeline
from components.errors import UsageError
from pipeline.kubeflow.container.logs import TERMINATION_LOG
from pipeline.kubeflow.container.uris import ROOT, in_root
from pipeline.kubeflow.simulator.driver import OUTPUT_FILE
from pipeline.kubeflow.simulator.tasks import Task

_FOLDERS = ("/minio", "/s3", "/gcs", str(Path(OUTPUT_FILE).parent), "/tmp/kfp/outputs")


@dataclass(frozen=True)
class Processes:
    """Steps as processes of this machine and this installation of Maskline."""

    def root(self, folder: Path) -> Path:
        """Where the step sees the launcher's paths, whose files are below `folder`."""
        return folder

    def check(self, tasks: Sequence[Task]) -> None:
        """Raises UsageError where a step needs what is not here."""
        _check_secrets(tasks)
        for task in tasks:
            for claim, path in task.volumes.items():
                if not Path(path).is_dir():
                    raise UsageError(
                        f"{task.name}: {path}, where the volume {claim} is mounted, is not a folder of this machine. "
                        "Make it, or run the steps in the image: --image NAME --mount CLAIM=DIR"
                    )

    def run(self, task: Task, command: Sequence[str], folder: Path, log: IO[bytes]) -> int:
        """Runs the command; what it prints goes to `log`. Returns the exit code."""
        environment = {
            **os.environ,
            **_variables(task),
            ROOT: str(folder),
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]),
            "PYTHONPATH": os.pathsep.join([str(Path(pipeline.__path__[0]).parent), os.environ.get("PYTHONPATH", "")]),
        }
        try:
            return subprocess.run(
                command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=folder, env=environment, check=False
            ).returncode
        except OSError as error:
            reason = f"{command[0]} cannot be run here: {error.strerror}"
            raise UsageError(f"{task.name}: {reason}. Use the image: --image NAME") from error


@dataclass(frozen=True)
class Containers:
    """Steps as containers of an image, which see the volumes that are given and nothing else of this machine."""

    tool: str
    image: str
    """Empty: the image that the pipeline names."""
    mounts: Mapping[str, Path]
    """Folder of this machine by persistent volume claim."""

    def root(self, folder: Path) -> Path:
        """The container has the launcher's paths at its own root."""
        return Path("/")

    def check(self, tasks: Sequence[Task]) -> None:
        """Raises UsageError where a step's volume has no folder, or its secret no value."""
        _check_secrets(tasks)
        for task in tasks:
            for claim in task.volumes.keys() - self.mounts.keys():
                raise UsageError(f"{task.name}: the volume {claim} has no folder. Give it one: --mount {claim}=DIR")

    def run(self, task: Task, command: Sequence[str], folder: Path, log: IO[bytes]) -> int:
        """As `Processes.run`, in a container that is removed in the end."""
        volumes = {path: in_root(path, folder) for path in (*_FOLDERS, TERMINATION_LOG)}
        volumes |= {path: self.mounts[claim] for claim, path in task.volumes.items()}
        name = f"maskline-{uuid4()}"
        arguments = [self.tool, "run", "--rm", "--name", name, "--entrypoint", command[0]]
        arguments += [part for path, source in volumes.items() for part in ("--volume", f"{source}:{path}")]
        arguments += [part for name, value in _variables(task).items() for part in ("--env", f"{name}={value}")]
        # The name alone: the value would be seen in the list of processes.
        arguments += [part for name in task.secrets for part in ("--env", name)]
        arguments += [self.image or task.container.image, *command[1:]]
        try:
            return subprocess.run(arguments, stdout=log, stderr=log, stdin=subprocess.DEVNULL, check=False).returncode
        except BaseException:
            # The tool's end is not the container's.
            subprocess.run([self.tool, "rm", "--force", name], capture_output=True, check=False)
            raise


Runtime = Processes | Containers


def runtime_of(image: str | None, mounts: Sequence[str]) -> Runtime:
    """Containers of `image` where there is one (empty: the pipeline's own), else processes.

    Raises:
        UsageError: there is no container tool, or a mount is not CLAIM=DIR with an existing folder.
    """
    if image is None:
        if mounts:
            raise UsageError("--mount goes with --image: processes see this machine's folders as they are")
        return Processes()
    folders = {claim: Path(folder).resolve() for claim, folder in pairs("--mount", mounts).items()}
    for claim, folder in folders.items():
        if not folder.is_dir():
            raise UsageError(f"--mount {claim}={folder}: no such folder. Make it first")
    return Containers(_container_tool(), image, folders)


def pairs(option: str, items: Sequence[str]) -> dict[str, str]:
    """NAME=VALUE options as a table.

    Raises:
        UsageError: one has no name or no equals sign.
    """
    split = [item.partition("=") for item in items]
    for item, (name, equals, _) in zip(items, split, strict=True):
        if not name or not equals:
            raise UsageError(f"{option} {item}: expected NAME=VALUE")
    return {name: value for name, _, value in split}


def _container_tool() -> str:
    for name in ("docker", "podman"):
        # A docker client without its engine is of no use.
        path = shutil.which(name)
        if path and subprocess.run([path, "info"], capture_output=True, check=False).returncode == 0:
            return path
    raise UsageError("--image: neither docker nor podman works here. Install one, or leave --image out")


def prepare(folder: Path) -> None:
    """A new file system for a step, with what Kubernetes and the launcher put there; for any user of the container.

    The folder of the results is there, too, because a container's must be mounted: on the cluster the step makes it.
    """
    for path in (*_FOLDERS, str(Path(TERMINATION_LOG).parent)):
        in_root(path, folder).mkdir(parents=True)
        in_root(path, folder).chmod(0o777)
    in_root(TERMINATION_LOG, folder).touch()
    in_root(TERMINATION_LOG, folder).chmod(0o666)


def _variables(task: Task) -> dict[str, str]:
    return {item.name: item.value for item in task.container.env}


def _check_secrets(tasks: Sequence[Task]) -> None:
    """This machine's variables stand for the cluster's secrets, which nothing here can read."""
    for task in tasks:
        for name in task.secrets:
            if name not in os.environ:
                raise UsageError(
                    f"{task.name}: {name} comes from a secret of the cluster. Set it here: export {name}=..."
                )
