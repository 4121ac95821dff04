"""A compiled pipeline that was read line by line, as it is in `golden/`."""

from __future__ import annotations

import copy
from functools import cache
from pathlib import Path

from pipeline.config.loader import load_config
from pipeline.graph.nodes import Nodes
from pipeline.kubeflow.spec.package import Package

RECIPE = Path(__file__).parent / "golden" / "kubeflow.toml"
GOLDEN = Path(__file__).parent / "golden" / "kubeflow.yaml"
_CHANGING = {"code_version", "settings", "data", "custom_config"}


@cache
def nodes() -> Nodes:
    """Those of the graph."""
    from pipeline.graph.pipeline import nodes_of

    return nodes_of(load_config(str(RECIPE)))


def without_contents(package: Package) -> Package:
    """Without what changes with the code or with a section of the config: hashes, and sections as JSON."""
    spec = copy.deepcopy(package.spec)
    for task in spec["root"]["dag"]["tasks"].values():
        for key, parameter in task["inputs"]["parameters"].items():
            if key in _CHANGING:
                parameter["runtimeValue"]["constant"] = key.upper()
    return Package(spec, package.platform)
