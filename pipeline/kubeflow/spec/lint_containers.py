"""Rules about the containers: images, resources, caching, volumes, secrets."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import PurePosixPath

from kfp.kubernetes.kubernetes_executor_config_pb2 import KubernetesExecutorConfig
from kfp.pipeline_spec import pipeline_spec_pb2 as pb
from kubernetes.utils import parse_quantity

from components.foreign import foreign
from pipeline.kubeflow.spec.parsed import Fault, Parsed
from pipeline.kubeflow.spec.patch import FILES, INPUT_BASE

_IMAGE = re.compile(
    r"([\w.-]+(:\d+)?/)?[a-z0-9]+((\.|_{1,2}|-+|/)[a-z0-9]+)*(?P<tag>:\w[\w.-]{0,127})?(?P<digest>@sha256:[0-9a-f]{64})?",
    re.ASCII,
)
_SET_IMAGE = "Set [kubeflow] image to the name of one that you built, with tag or digest"
_TFX_IMAGE = "gcr.io/tfx-oss-public/"
_PATHS = {INPUT_BASE: "[data] input", "serving_dir": "[serving] destination"}
"""Parameters that are folders outside the artifacts, and where they are set."""
_QUANTITIES = ("cpu_limit", "cpu_request", "memory_limit", "memory_request")
_SET_VOLUMES = "Correct [[kubeflow.volumes]]"
_SET_RESOURCES = "Correct [kubeflow.resources] or [kubeflow.nodes.NAME]"


def image(parsed: Parsed) -> Iterator[Fault]:
    for task, _, container in parsed.container_tasks():
        found = f"the image {container.image!r}"
        match = _IMAGE.fullmatch(container.image)
        if not container.image:
            yield Fault(task, "no image", "there is nothing to run", _SET_IMAGE)
        elif not match:
            yield Fault(task, found, "it is no name of an image", _SET_IMAGE)
        elif container.image.startswith(_TFX_IMAGE):
            yield Fault(task, found, "it is what TFX fills in, and holds no Maskline", _SET_IMAGE)
        elif not match["digest"] and match["tag"] in (None, ":latest"):
            why = "what it names can change, and Kubeflow's cache looks at the name alone"
            yield Fault(task, found, why, _SET_IMAGE, warning=True)


def infra_validator(parsed: Parsed) -> Iterator[Fault]:
    for task, _, container in parsed.container_tasks():
        if any("infra_validator" in argument for argument in container.args):
            why = "it starts containers of its own, which a Kubeflow task cannot"
            yield Fault(task, "TFX's InfraValidator", why, "Use ServingCheck, which says the same to the Pusher")


def quantities(parsed: Parsed) -> Iterator[Fault]:
    for task, _, container in parsed.container_tasks():
        for key in _QUANTITIES:
            text = getattr(container.resources, f"resource_{key}")
            if text and not _is_quantity(text):
                why = "Kubernetes takes quantities such as 2, 500m or 4Gi"
                yield Fault(task, f"{key.replace('_', ' ')} {text!r}", why, _SET_RESOURCES)


def accelerators(parsed: Parsed) -> Iterator[Fault]:
    for task, _, container in parsed.container_tasks():
        accelerator = container.resources.accelerator
        kind = accelerator.resource_type or accelerator.type
        count = accelerator.resource_count or str(accelerator.count or "")
        if bool(kind) != bool(count):
            why = "Kubeflow then gives the task none, without a word"
            yield Fault(task, f"accelerator {kind!r}, count {count!r}", why, _SET_RESOURCES)
        elif count and not re.fullmatch("[1-9][0-9]*", count):
            yield Fault(task, f"accelerator count {count!r}", "it is a whole number from 1", _SET_RESOURCES)


def caching(parsed: Parsed) -> Iterator[Fault]:
    """Nodes that look outside: reused, they would return what was there at another time."""
    for name, task in sorted(parsed.tasks.items()):
        looks_outside = bool(_PATHS.keys() & set(task.inputs.parameters))
        if not looks_outside or not task.caching_options.enable_cache or _constant(task, FILES):
            continue
        why = "Kubeflow would reuse an old result, blind to what has changed outside the pipeline"
        yield Fault(name, "caching switched on", why, "Leave caching to `maskline kubeflow compile` and `submit`")


def platform_labels(parsed: Parsed) -> Iterator[Fault]:
    for label in sorted(set(parsed.kubernetes) - set(parsed.deployment.executors)):
        why = "the pipeline spec has no such executor, and Kubeflow overlooks what is said of it"
        yield Fault("platform spec", f"the executor {label!r}", why, "Compile anew with `maskline kubeflow compile`")


def volumes(parsed: Parsed) -> Iterator[Fault]:
    for label, config in sorted(parsed.kubernetes.items()):
        paths = Counter(mount.mount_path for mount in config.pvc_mount)
        for mount in config.pvc_mount:
            if mount.WhichOneof("pvc_reference") is None and not mount.HasField("pvc_name_parameter"):
                yield Fault(
                    label,
                    f"a volume at {mount.mount_path!r} without a claim",
                    "there is nothing to mount",
                    _SET_VOLUMES,
                )
            if not mount.mount_path.startswith("/"):
                yield Fault(
                    label, f"a volume at {mount.mount_path!r}", "Kubernetes takes absolute paths alone", _SET_VOLUMES
                )
        for path in (path for path, count in sorted(paths.items()) if count > 1):
            yield Fault(label, f"{paths[path]} volumes at {path!r}", "Kubernetes takes one at a path", _SET_VOLUMES)


def secrets(parsed: Parsed) -> Iterator[Fault]:
    for label, config in sorted(parsed.kubernetes.items()):
        variables: Counter[str] = Counter()
        for secret in config.secret_as_env:
            variables.update(key.env_var for key in secret.key_to_env)
            named = bool(secret.secret_name) or secret.HasField("secret_name_parameter")
            if not named or not all(key.secret_key and key.env_var for key in secret.key_to_env):
                why = "Kubernetes wants the secret's name, its key and a variable"
                yield Fault(label, f"an incomplete secret {secret.secret_name!r}", why, "Correct [[kubeflow.secrets]]")
        for name in (name for name, count in sorted(variables.items()) if count > 1):
            yield Fault(label, f"several secrets for {name}", "the last would win", "Correct [[kubeflow.secrets]]")


def paths_on_volumes(parsed: Parsed) -> Iterator[Fault]:
    """What a container reads and writes beside artifacts is lost with it, unless it lies on a volume."""
    mounted = any(config.pvc_mount for config in parsed.kubernetes.values())
    for task, label, _ in parsed.container_tasks():
        mounts = [mount.mount_path for mount in parsed.kubernetes.get(label, KubernetesExecutorConfig()).pvc_mount]
        for key in sorted(_PATHS):
            path = _constant(parsed.tasks[task], key)
            if path and not any(PurePosixPath(path).is_relative_to(mount) for mount in mounts):
                why = (
                    f"none of the volumes of this task holds it; they are {', '.join(sorted(mounts)) or 'none'}"
                    if mounted
                    else "the file mounts no volume at all, which suits `simulate` alone"
                )
                remedy = f"Add [[kubeflow.volumes]] with a path above it, or change {_PATHS[key]}"
                yield Fault(task, f"{key} {path!r}", why, remedy, warning=not mounted)


def _constant(task: pb.PipelineTaskSpec, key: str) -> str:
    """Of a parameter; empty where it has none."""
    parameters = task.inputs.parameters
    return parameters[key].runtime_value.constant.string_value if key in parameters else ""


def _is_quantity(text: str) -> bool:
    try:
        with foreign(ValueError, text):
            return parse_quantity(text) > 0
    except ValueError:
        return False


RULES = (
    *(image, infra_validator, quantities, accelerators, caching),
    *(platform_labels, volumes, secrets, paths_on_volumes),
)
