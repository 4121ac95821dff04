"""Where the cluster is, and who asks: from the recipe's section `[kubeflow]` or the environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from pydantic import SecretStr

from components.errors import UsageError
from pipeline.config.kubeflow import Kubeflow


@dataclass(frozen=True)
class Connection:
    """The API's address without a slash at its end, the namespace (or "") and the token (or "")."""

    endpoint: str
    namespace: str
    token: SecretStr


def find_connection(settings: Kubeflow, environ: Mapping[str, str]) -> Connection:
    """What the recipe says, else KFP_ENDPOINT, KFP_NAMESPACE and KFP_TOKEN.

    Raises:
        UsageError: no endpoint, not an address, or a token that no HTTP header can carry.
    """
    token = (settings.token.get_secret_value() or environ.get("KFP_TOKEN", "")).strip()
    if not (token.isascii() and token.isprintable()) or " " in token:
        raise UsageError(
            "KFP_TOKEN (or [kubeflow] token): has characters that no token has. Copy it again, on one line"
        )
    endpoint = _address(settings.endpoint or environ.get("KFP_ENDPOINT", ""))
    return Connection(endpoint, settings.namespace or environ.get("KFP_NAMESPACE", ""), SecretStr(token))


def _address(endpoint: str) -> str:
    if not endpoint:
        raise UsageError(
            "no cluster: set KFP_ENDPOINT, or [kubeflow] endpoint, to the address of the Kubeflow Pipelines API, "
            "for example https://kubeflow.example.org/pipeline"
        )
    try:
        parts = urlsplit(endpoint)
    except ValueError:
        parts = urlsplit("")
    if parts.username or parts.password:
        raise UsageError("[kubeflow] endpoint (or KFP_ENDPOINT): has a user or password in it. Set KFP_TOKEN instead")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError(f"{endpoint}: expected an address that begins with https:// or http:// (KFP_ENDPOINT)")
    return endpoint.rstrip("/")
