"""The section [kubeflow]: what is refused, and what the message says."""

from __future__ import annotations

import json
from typing import Any

import pytest

from components.errors import UsageError
from pipeline.config.kubeflow import Kubeflow
from pipeline.config.loader import parse_config


def parse(**settings: Any) -> Kubeflow:
    least = {"data": {"layout": "mias", "height": 64, "width": 64}, "training": {"epochs": 1}}
    return parse_config({**least, "kubeflow": settings}, source="run.toml").kubeflow


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"imag": "x"}, r"\[kubeflow\] imag: unknown key. Allowed: endpoint, experiment, image, namespace, nodes"),
        (
            {"nodes": {"Trainer": {"gpu": 1}}},
            r"\[kubeflow.nodes.Trainer\] gpu: unknown key. Allowed: accelerator, accelerators, cpu, memory, node_sele",
        ),
        (
            {"nodes": {"cpu": {"gpu": 1}}},
            r"\[kubeflow.nodes.cpu\] gpu: unknown key. Allowed: accelerator, accelerators",
        ),
        (
            {"volumes": [{"claim": "c", "path": "/p"}, {"claim": "c", "path": "/q", "size": "1Gi"}]},
            r"\[kubeflow.volumes.1\] size: unknown key. Allowed: claim, nodes, path",
        ),
        (
            {"secrets": [{"name": "s", "key": "k", "env": "E", "value": "x"}]},
            r"\[kubeflow.secrets.0\] value: unknown key. Allowed: env, key, name, nodes",
        ),
        ({"resources": {"gpu": 1}}, r"\[kubeflow.resources\] gpu: unknown key. Allowed: accelerator"),
        ({"volumes": [{"claim": "c", "path": "p"}]}, r"path: found 'p', expected an absolute path, such as /data"),
        ({"resources": {"memory": "16 GB"}}, "memory: found '16 GB', expected a quantity of Kubernetes"),
        ({"resources": {"memory": "4ki"}}, "expected a quantity"),
        ({"resources": {"accelerator": "nvidia.com/gpu"}}, "accelerators = 0: set both"),
        ({"nodes": {"Trainer": {"accelerators": 1}}}, "accelerator = '' with accelerators = 1: set both"),
    ],
)
def test_mistakes(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        parse(**settings)


@pytest.mark.parametrize("memory", ["4Gi", "500M", "8Ki", "100k", "1E", "1.5Gi", "1000"])
def test_quantities(memory: str) -> None:
    assert parse(resources={"memory": memory}).resources.memory == memory


def test_a_token_shows_nowhere() -> None:
    settings = parse(token="hush")
    assert settings.token.get_secret_value() == "hush"
    assert "hush" not in f"{settings!r} {settings} {json.dumps(settings.model_dump())} {settings.model_dump_json()}"
