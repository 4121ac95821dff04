"""What TFX cannot say in a pipeline spec: resources, retries, caching."""

from __future__ import annotations

import copy
from typing import Any

from pipeline.config.model import Config


def patch_spec(spec: dict[str, Any], config: Config) -> dict[str, Any]:
    return copy.deepcopy(spec)


def with_cache_key(spec: dict[str, Any], fingerprint: str) -> dict[str, Any]:
    return copy.deepcopy(spec)
