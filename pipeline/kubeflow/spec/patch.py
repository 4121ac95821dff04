"""What TFX cannot say in a pipeline spec: resources, retries, caching; and what it says that no cluster reads."""

from __future__ import annotations

import copy
import json
from typing import Any

import yaml

from components.parallel import THREADS
from pipeline.config.kubeflow import Resources
from pipeline.config.root import Config
from pipeline.graph.nodes import Nodes
from pipeline.kubeflow.container.entrypoint import OUTPUTS

INPUT_BASE = "input_base"
"""The parameter that is the folder of the data."""
FILES = "files"
"""The parameter that is the fingerprint of the files there."""
_INPUTS = "--json_serialized_inputs_spec_args"


def patch_spec(spec: dict[str, Any], config: Config, nodes: Nodes) -> dict[str, Any]:
    """The pipeline spec of a graph of these nodes with what `[kubeflow]` asks for."""
    patched = copy.deepcopy(spec)
    if config.kubeflow.pipeline_root:
        patched["defaultPipelineRoot"] = config.kubeflow.pipeline_root
    for name, task in patched["root"]["dag"]["tasks"].items():
        node = task["componentRef"]["name"]
        resources = config.kubeflow.nodes.get(node, config.kubeflow.resources)
        traits = nodes.traits[node]
        if traits.always_runs or traits.looks_outside:
            task["cachingOptions"] = {}
        if resources.retries and traits.retryable:
            task["retryPolicy"] = _retry_policy(resources.retries)
        container = patched["deploymentSpec"]["executors"][executor_label(patched, name)]["container"]
        # Kubeflow never calls the driver; the entrypoint does its work.
        container.pop("lifecycle", None)
        outputs = patched["components"][node].get("outputDefinitions", {}).get("artifacts", {})
        container["args"] = [*_inputs_in_short(container["args"]), OUTPUTS, json.dumps(sorted(outputs))]
        threads = config.execution.threads or _cores(resources)
        if threads:
            container["env"] = [{"name": THREADS, "value": threads}]
        limits = _limits(resources)
        if limits:
            container["resources"] = limits
    return patched


def with_cache_key(spec: dict[str, Any], fingerprint: str) -> dict[str, Any]:
    """The pipeline spec for data of this fingerprint: reading them is reused until they change, whoever is served.

    The fingerprint is a parameter of the node, and so one part of the key that every Kubeflow version makes of a
    task. `cachingOptions.cacheKey` is not: servers ignore it or, where they read it, take it for the whole key.
    Nothing is reused where the recipe says so.
    """
    keyed = copy.deepcopy(spec)
    tasks = keyed["root"]["dag"]["tasks"]
    cache = any(task.get("cachingOptions", {}).get("enableCache") for task in tasks.values())
    for reader in readers(keyed):
        reader["inputs"]["parameters"][FILES] = {"runtimeValue": {"constant": fingerprint}}
        if cache:
            reader["cachingOptions"] = {"enableCache": True}
    return keyed


def readers(spec: dict[str, Any]) -> list[dict[str, Any]]:
    """The tasks that read the data, as their parameters tell."""
    tasks = spec["root"]["dag"]["tasks"].values()
    return [task for task in tasks if INPUT_BASE in task.get("inputs", {}).get("parameters", {})]


def executor_label(spec: dict[str, Any], task: str) -> str:
    """The name under which the container of a task is described."""
    component = spec["root"]["dag"]["tasks"][task]["componentRef"]["name"]
    return spec["components"][component]["executorLabel"]


def _retry_policy(retries: int) -> dict[str, Any]:
    # The last is a deadline for all attempts together, and 0 where it is left out: a week, lest it end a long training.
    return {"maxRetryCount": retries, "backoffDuration": "30s", "backoffFactor": 2.0, "backoffMaxDuration": "604800s"}


def _cores(resources: Resources) -> str:
    """Whole cores of the CPU limit, at least one; empty without a limit. A container sees all cores of its machine."""
    from kubernetes.utils import parse_quantity

    return str(max(1, int(parse_quantity(resources.cpu)))) if resources.cpu else ""


def _inputs_in_short(arguments: list[str]) -> list[str]:
    """TFX repeats the component's inputs in an argument; of the artifact types their titles are all that is read.

    They must stay: Kubeflow's driver hands on the artifacts of other tasks without their types.
    """
    shortened = list(arguments)
    place = shortened.index(_INPUTS) + 1
    inputs = json.loads(shortened[place])
    for artifact in inputs.get("artifacts", {}).values():
        title = yaml.safe_load(artifact["artifactType"]["instanceSchema"])["title"]
        artifact["artifactType"]["instanceSchema"] = f"title: {title}"
    shortened[place] = json.dumps(inputs, sort_keys=True)
    return shortened


def _limits(resources: Resources) -> dict[str, Any]:
    """Limits, and requests alike: as strings, and in the older form, as numbers."""
    from kubernetes.utils import parse_quantity

    limits: dict[str, Any] = {}
    for what, quantity, unit in (("Cpu", resources.cpu, 1), ("Memory", resources.memory, 10**9)):
        if quantity:
            number = float(parse_quantity(quantity) / unit)
            for kind in ("Limit", "Request"):
                limits |= {f"resource{what}{kind}": quantity, f"{what.lower()}{kind}": number}
    if resources.accelerator:
        kind, count = resources.accelerator, str(resources.accelerators)
        limits["accelerator"] = {"resourceType": kind, "resourceCount": count, "type": kind, "count": count}
    return limits
