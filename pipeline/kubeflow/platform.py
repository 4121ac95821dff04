"""What only Kubernetes knows, as the second document: node selectors, volumes, secrets."""

from __future__ import annotations

from typing import Any

from pipeline.config.kubeflow import Kubeflow


def platform_spec(settings: Kubeflow) -> dict[str, Any]:
    return {}
