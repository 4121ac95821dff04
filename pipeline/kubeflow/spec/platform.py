"""What only Kubernetes knows, as the second document: node selectors, volumes, secrets."""

from __future__ import annotations

from typing import Any

from pipeline.config.kubeflow import Kubeflow
from pipeline.kubeflow.spec.patch import executor_label


def platform_spec(spec: dict[str, Any], settings: Kubeflow) -> dict[str, Any]:
    """The PlatformSpec for the tasks of a pipeline spec; empty where `[kubeflow]` asks nothing of Kubernetes.

    Who the container runs as cannot be said: these messages have no field for it. The image names its user.
    """
    executors = {}
    for name, task in spec["root"]["dag"]["tasks"].items():
        config = _executor_config(task["componentRef"]["name"], settings)
        if config:
            executors[executor_label(spec, name)] = config
    return {"platforms": {"kubernetes": {"deploymentSpec": {"executors": executors}}}} if executors else {}


def _executor_config(node: str, settings: Kubeflow) -> dict[str, Any]:
    from google.protobuf.json_format import MessageToDict
    from kfp.kubernetes import kubernetes_executor_config_pb2 as pb

    config = pb.KubernetesExecutorConfig()
    # The fields that later versions call deprecated are those that all versions read.
    for volume in settings.volumes:
        if node in (volume.nodes or [node]):
            config.pvc_mount.append(pb.PvcMount(constant=volume.claim, mount_path=volume.path))
    for secret in settings.secrets:
        if node in (secret.nodes or [node]):
            key = pb.SecretAsEnv.SecretKeyToEnvMap(secret_key=secret.key, env_var=secret.env)
            config.secret_as_env.append(pb.SecretAsEnv(secret_name=secret.name, key_to_env=[key]))
    config.node_selector.labels.update(settings.nodes.get(node, settings.resources).node_selector)
    if not config.node_selector.labels:
        config.ClearField("node_selector")
    return MessageToDict(config)
