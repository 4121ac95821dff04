"""Folds as Kubeflow runs them: steps side by side, each with the resources that it is given."""

from __future__ import annotations

from typing import Any

import pytest

from components.errors import UsageError
from pipeline.config.loader import load_config
from pipeline.kubeflow.spec.compile import compile_package
from pipeline.kubeflow.spec.package import Package

ON_A_CLUSTER = (
    'kubeflow.image="maskline:1"',
    'serving.destination="/served"',
    "folds.k=3",
    "kubeflow.nodes.Trainer-fold-2.cpu='4'",
    "kubeflow.resources.cpu='1'",
)


@pytest.fixture(scope="module")
def package() -> Package:
    return compile_package("demo", load_config("demo", ON_A_CLUSTER), "/data")


def tasks(package: Package) -> dict[str, Any]:
    return package.spec["root"]["dag"]["tasks"]


def upstream(package: Package, name: str) -> set[str]:
    waiting, found = [name], set()
    while waiting:
        for other in tasks(package)[waiting.pop()].get("dependentTasks", []):
            if other not in found:
                found.add(other)
                waiting.append(other)
    return found


def test_no_fold_waits_for_another(package: Package) -> None:
    """What compiles has passed the lint, which knows what Argo takes for a name."""
    for number in (1, 2, 3):
        above = upstream(package, f"Evaluator-fold-{number}")
        assert {name for name in above if "fold-" in name} == {
            f"{node}-fold-{number}" for node in ("Trainer", "BulkInferrer")
        }
        assert "Augmentor" in above
    assert {f"Trainer-fold-{number}" for number in (1, 2, 3)} <= upstream(package, "Ensemble")
    assert {f"{node}-fold-{number}" for node in ("Trainer", "Evaluator") for number in (1, 2, 3)} <= upstream(
        package, "OutOfFold"
    )
    assert "Ensemble" in upstream(package, "Pusher")


def test_a_fold_has_the_resources_of_its_name(package: Package) -> None:
    executors = package.spec["deploymentSpec"]["executors"]
    found = {
        name: executors[package.spec["components"][task["componentRef"]["name"]]["executorLabel"]]["container"]
        for name, task in tasks(package).items()
    }
    limits = {name: container["resources"]["resourceCpuLimit"] for name, container in found.items()}
    assert {name for name, limit in limits.items() if limit == "4"} == {"Trainer-fold-2"}


def test_a_fold_that_there_is_not_is_no_node() -> None:
    config = load_config("demo", [*ON_A_CLUSTER, "kubeflow.nodes.Trainer.cpu='4'"])
    with pytest.raises(UsageError, match=r"Trainer: no such node\. The nodes are .*Trainer-fold-1"):
        compile_package("demo", config, "/data")
