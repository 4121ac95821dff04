"""What a release of Kubeflow Pipelines' backend gives a step, and does with what the step leaves, unlike others.

After provisionOutputs in backend/src/v2/driver/driver.go, getFingerPrint in backend/src/v2/driver/cache.go, and
executeV2 in backend/src/v2/component/launcher_v2.go of kubeflow/pipelines, with the settings of its own manifests.
"""

from __future__ import annotations

from dataclasses import dataclass

from components.errors import UsageError

LOGS = "executor-logs"
"""The key of the output that the driver adds to those of the component: what the step prints."""


@dataclass(frozen=True)
class Backend:
    """A release, and those after it that do the same."""

    release: str
    publishes_logs: bool
    """Whether there is an output `executor-logs`: the manifests have set PUBLISH_LOGS since there is such a setting."""
    knows_task_root: bool
    """Whether outputs have their keys as names, and the file of results lies in the folder above them."""
    caches_by_volumes: bool
    """Whether the volume claims are a part of the cache's key."""
    numbers_logs: bool
    """Whether each attempt has a log of its own, numbered from 0, which is kept if the attempt fails, too."""


BACKENDS = (
    Backend("2.4", publishes_logs=False, knows_task_root=False, caches_by_volumes=False, numbers_logs=False),
    Backend("2.5", publishes_logs=True, knows_task_root=False, caches_by_volumes=False, numbers_logs=False),
    Backend("2.15", publishes_logs=True, knows_task_root=True, caches_by_volumes=True, numbers_logs=False),
    Backend("2.17", publishes_logs=True, knows_task_root=True, caches_by_volumes=True, numbers_logs=True),
)
"""Oldest first. 2.16.1 does as 2.17."""
NEWEST = BACKENDS[-1]


def backend_of(release: str) -> Backend:
    """The backend of a release as it is named in `BACKENDS`.

    Raises:
        UsageError: there is none.
    """
    for backend in BACKENDS:
        if backend.release == release:
            return backend
    known = ", ".join(backend.release for backend in BACKENDS)
    raise UsageError(
        f"--backend {release}: expected one of {known}, with which what a step is given has changed. Name the last of "
        "them that is not newer than the cluster"
    )
