"""The section `[kubeflow]`: where the graph runs on a cluster, and with what."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import Field, SecretStr, field_validator, model_validator

from components.settings import Confidential, Section

_QUANTITY = re.compile(r"[0-9]+(\.[0-9]+)?(m|k|Ki|[MGTPE]i?)?")


def _is_quantity(text: str) -> str:
    if text and not _QUANTITY.fullmatch(text):
        raise ValueError("expected a quantity of Kubernetes, such as 2, 500m or 4Gi")
    return text


def _without_password(address: str) -> str:
    if re.search("://[^/]*@", address):
        raise ValueError(
            "has a user or password in it, which every record would show. Take it out; the API's token is KFP_TOKEN"
        )
    return address


class Resources(Section):
    """What a node of the graph gets on the cluster."""

    cpu: str = ""
    """Limit, and request, as a quantity of Kubernetes: 2, 500m. Empty: the cluster's own."""
    memory: str = ""
    accelerator: str = ""
    """Resource name of the accelerator, such as nvidia.com/gpu. Empty: none."""
    accelerators: Annotated[int, Field(ge=0)] = 0
    node_selector: dict[str, str] = {}
    """Labels that a cluster's machine must have."""
    retries: Annotated[int, Field(ge=0, le=10)] = 0
    """Further attempts after any failure: Kubernetes tells a passing one from a mistake as little as Kubeflow does. The
    DataGate has none: what it refuses, it refuses again."""

    _quantities = field_validator("cpu", "memory")(_is_quantity)

    @model_validator(mode="after")
    def _counted(self) -> Resources:
        if bool(self.accelerator) != bool(self.accelerators):
            raise ValueError(
                f"accelerator = {self.accelerator!r} with accelerators = {self.accelerators}: "
                "set both, the resource's name and how many, or neither"
            )
        return self


class Volume(Section):
    """A persistent volume claim, mounted where the recipe's paths lie."""

    claim: str
    path: str
    """Where the containers see it: [data] input and [serving] destination lie below such paths."""
    nodes: list[str] = []
    """The nodes that see it; empty: all."""

    @field_validator("path")
    @classmethod
    def _absolute(cls, path: str) -> str:
        if not path.startswith("/"):
            raise ValueError("expected an absolute path, such as /data")
        return path


class Secret(Section):
    """A key of a Kubernetes secret as an environment variable."""

    name: str
    key: str
    env: str
    nodes: list[str] = []
    """The nodes that get it; empty: all."""


class Kubeflow(Section):
    """Used by `maskline kubeflow` alone; a run on this machine does not read it."""

    image: str = ""
    """Name of the container image, with tag or digest."""
    pipeline_root: str = ""
    """Where artifacts are stored: minio://, s3:// or gs://. Empty: where the cluster stores them by default."""
    endpoint: str = ""
    """Address of the Kubeflow Pipelines API. Empty: the environment variable KFP_ENDPOINT."""
    namespace: str = ""
    """Empty: the environment variable KFP_NAMESPACE, or none."""
    token: Annotated[SecretStr, Confidential("the environment variable KFP_TOKEN")] = Field(
        default=SecretStr(""), exclude=True
    )
    """Better left out: the environment variable KFP_TOKEN. Never written anywhere."""
    experiment: str = "maskline"
    resources: Resources = Resources()
    """Of every node that has none of its own."""
    nodes: dict[str, Resources] = {}
    """Of single nodes, by name: [kubeflow.nodes.Trainer]. That there are nodes of the names, here, of volumes and of
    secrets, is checked where the graph is compiled: a config alone does not tell which there are."""
    volumes: list[Volume] = []
    secrets: list[Secret] = []

    _no_passwords = field_validator("endpoint", "pipeline_root")(_without_password)
