"""The official client of Kubeflow Pipelines with time limits, and errors that say what to do.

Imports kfp: import this module only where a cluster is talked to.
"""

from __future__ import annotations

import json
import os
import warnings
from contextlib import suppress
from typing import Any

import kfp_server_api
import urllib3
from kfp.client import Client
from kfp_server_api.rest import RESTClientObject

from components.errors import MasklineError
from components.foreign import foreign
from pipeline.kubeflow.cluster.connection import Connection

REQUEST_SECONDS = (10, 120)
"""To connect, and between two bytes of an answer."""


class ClusterError(MasklineError):
    """The cluster cannot be reached, or refuses."""


class Unavailable(ClusterError):
    """It may pass: worth another attempt."""


class Conflict(ClusterError):
    """Something of that name is there already."""


def connect(connection: Connection) -> Client:
    """The client. Asks nothing of the cluster yet, and writes nothing to the home folder."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # That servers older than 2.0 are not supported.
        client = _Client(
            host=connection.endpoint,
            namespace=connection.namespace,
            existing_token=connection.token.get_secret_value() or None,
            ssl_ca_cert=os.environ.get("SSL_CERT_FILE"),
        )
    api = client.runs.api_client  # One for all services.
    api.configuration.retries = False  # The stock ones come without a pause; a redirect goes to a login page.
    api.rest_client = _Rest(api.configuration, connection)
    return client


class _Client(Client):
    def get_kfp_healthz(self, sleep_duration: int = 0) -> kfp_server_api.V2beta1GetHealthzResponse:
        """Unknown. The stock constructor asks for up to half a minute, to find a namespace and write it down."""
        return kfp_server_api.V2beta1GetHealthzResponse()


class _Rest(RESTClientObject):
    """The stock one waits for ever, and its errors have neither address nor remedy."""

    def __init__(self, configuration: kfp_server_api.Configuration, connection: Connection) -> None:
        super().__init__(configuration)
        self._connection = connection

    def request(self, method: str, url: str, **options: Any) -> Any:
        try:
            response = super().request(method, url, **{**options, "_request_timeout": REQUEST_SECONDS})
        except kfp_server_api.ApiException as error:
            raise _refusal(error, self._connection) from None
        except urllib3.exceptions.HTTPError as error:
            raise _unreachable(error, self._connection) from None
        if "html" in (response.getheader("content-type") or ""):
            raise ClusterError(_login_page(self._connection))
        return response


def _unreachable(error: urllib3.exceptions.HTTPError, connection: Connection) -> ClusterError:
    endpoint = connection.endpoint
    if isinstance(error, urllib3.exceptions.SSLError):
        return ClusterError(
            f"{endpoint}: its certificate is not trusted: {error}. "
            "Set SSL_CERT_FILE to the file with the cluster's certificate authority"
        )
    if isinstance(error, urllib3.exceptions.TimeoutError) and not isinstance(
        error, urllib3.exceptions.NewConnectionError
    ):
        limits = f"{REQUEST_SECONDS[0]} s to connect, {REQUEST_SECONDS[1]} s to answer"
        return Unavailable(f"{endpoint}: timed out ({limits}). Check the network, and KFP_ENDPOINT")
    reason = str(error).rpartition(": ")[2] or type(error).__name__
    return Unavailable(f"{endpoint}: cannot be reached: {reason}. Check KFP_ENDPOINT, and that the cluster runs")


def _refusal(error: kfp_server_api.ApiException, connection: Connection) -> ClusterError:
    status, endpoint = error.status, connection.endpoint
    said = _without_token(_message(error), connection)
    if status == 401:
        return ClusterError(f"{endpoint}: not signed in (401): {said}. Set KFP_TOKEN to a token that has not expired")
    if status == 403:
        where = f"namespace {connection.namespace!r}" if connection.namespace else "this cluster without a namespace"
        return ClusterError(
            f"{endpoint}: not allowed in {where} (403): {said}. Set KFP_TOKEN to a token with access, or KFP_NAMESPACE"
        )
    if status and 300 <= status < 400:
        return ClusterError(_login_page(connection))
    if status == 409:
        return Conflict(f"{endpoint}: there already (409): {said}")
    if status == 404:
        return ClusterError(f"{endpoint}: not found (404): {said}. Check KFP_ENDPOINT and KFP_NAMESPACE")
    if status == 429 or (status and status >= 500):
        return Unavailable(f"{endpoint}: fails for now ({status}): {said}. Try again later")
    return ClusterError(f"{endpoint}: refused ({status}): {said}")


def _login_page(connection: Connection) -> str:
    return (
        f"{connection.endpoint}: answers with a web page instead of the Kubeflow Pipelines API, as a sign-in does. "
        "Set KFP_TOKEN, and KFP_ENDPOINT to the address of the API (often ending in /pipeline)"
    )


def _message(error: kfp_server_api.ApiException) -> str:
    """The server's own words, on one line."""
    text = (error.body or b"").decode("utf-8", "replace")
    with suppress(ValueError), foreign(ValueError, "not what the API answers"):
        answer = json.loads(text)
        text = str(answer.get("message") or answer.get("error_message") or text)
    return " ".join(text.split())[:500].rstrip(".") or str(error.reason)


def _without_token(text: str, connection: Connection) -> str:
    token = connection.token.get_secret_value()
    return text.replace(token, "***") if token else text
