"""What the parameters of a step say that only the container can know: installed files, the state of the data."""

from __future__ import annotations

import hashlib
import json
from importlib.resources import files
from pathlib import Path
from typing import Any

from components.code_version import installed
from components.errors import UsageError

PACKAGE_SCHEME = "package:"
"""`package:PACKAGE/FILE#HASH`: a file that is installed with Maskline, and how its SHA-256 begins."""


def resolved(parameters: dict[str, Any]) -> dict[str, Any]:
    """The parameters with installed files as paths.

    Raises:
        UsageError: the image has another version of the file than the pipeline was compiled with, or none.
    """
    return {key: _resolved(value) if _is_reference(value) else value for key, value in parameters.items()}


def check_code(parameters: dict[str, Any]) -> None:
    """Refuses to run other code than the pipeline was compiled with, by whose version results are reused.

    Raises:
        UsageError: the installed code, or a library that it computes with, is another.
    """
    custom = json.loads(parameters.get("custom_config") or "{}")
    compiled = {**parameters, **custom}.get("code_version")
    if compiled is None:  # A step of TFX's own.
        return
    try:
        here = installed(compiled)
    except ModuleNotFoundError as error:
        here = f"none ({error})"
    if here != compiled:
        raise UsageError(
            f"the installed code has the version {here}, the pipeline was compiled with {compiled}: the code is "
            "another, or a library that makes its numbers. Build the image anew from the same tree and "
            "requirements.lock, or compile with it: `docker run IMAGE maskline kubeflow compile ...`"
        )


def _is_reference(value: Any) -> bool:
    return isinstance(value, str) and value.startswith(PACKAGE_SCHEME)


def _resolved(reference: str) -> str:
    name, _, expected = reference.removeprefix(PACKAGE_SCHEME).partition("#")
    package, _, file = name.partition("/")
    try:
        path = Path(str(files(package) / file))
        found = hashlib.sha256(path.read_bytes()).hexdigest()
    except (ModuleNotFoundError, OSError) as error:
        raise UsageError(f"{name}: not installed in this image ({error}). Build the image anew") from error
    if not expected or not found.startswith(expected):
        raise UsageError(
            f"{name}: the image's file has the SHA-256 {found[:12]}, the pipeline was compiled with "
            f"{expected or 'none'}. Compile the pipeline and build the image from the same version"
        )
    return str(path)
