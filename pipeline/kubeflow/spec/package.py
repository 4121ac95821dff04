"""The compiled pipeline as a file: YAML with the pipeline spec, and what only Kubernetes knows as a second document."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from components.errors import UsageError
from components.files import write_text
from components.foreign import foreign

_MAKE = "Make it with `maskline kubeflow compile`"


@dataclass(frozen=True)
class Package:
    """What Kubeflow Pipelines takes."""

    spec: dict[str, Any]
    """PipelineSpec in the JSON form of its protocol buffer."""
    platform: dict[str, Any]
    """PlatformSpec, likewise; empty where nothing is asked of Kubernetes."""


class _Dumper(yaml.SafeDumper):
    """Lines as lines; and no text that a server could take for a number, such as the hash 12345e678901.

    PyYAML, of YAML 1.1, leaves that without quotes, and YAML 1.2 reads infinity.
    """

    def represent_text(self, text: str) -> yaml.ScalarNode:
        style = "|" if "\n" in text else "'" if re.match(r"[-+.\d]", text) else None
        return self.represent_scalar("tag:yaml.org,2002:str", text, style=style)

    def ignore_aliases(self, data: Any) -> bool:
        return True


_Dumper.add_representer(str, _Dumper.represent_text)


def to_yaml(package: Package) -> str:
    """The text of the file: equal packages give equal bytes."""
    documents = [package.spec, *filter(None, [package.platform])]
    return yaml.dump_all(documents, Dumper=_Dumper, sort_keys=True, allow_unicode=True, width=120)


def write_package(package: Package, path: Path) -> None:
    """Writes the file whole or not at all; makes its folder.

    Raises:
        UsageError: it cannot be written, or its name does not end in .yaml, without which Kubeflow refuses it.
    """
    if path.suffix not in (".yaml", ".yml"):
        raise UsageError(
            f"{path}: Kubeflow Pipelines takes files named .yaml alone. Choose such a name: --out FILE.yaml"
        )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, to_yaml(package))
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error.strerror}. Choose another: --out FILE.yaml") from error


def read_package(path: Path) -> Package:
    """The contents of a compiled pipeline.

    Raises:
        UsageError: no such file, or not one or two YAML documents.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: cannot be read as YAML: {error.strerror}. {_MAKE}") from error
    with foreign(UsageError, f"{path}: cannot be read as YAML", remedy=_MAKE):
        documents = list(yaml.safe_load_all(content.decode("utf-8")))
    if not 1 <= len(documents) <= 2 or not all(isinstance(document, dict) for document in documents):
        kinds = ", ".join(type(document).__name__ for document in documents) or "nothing"
        raise UsageError(f"{path}: expected a pipeline spec, and perhaps a platform spec; found {kinds}. {_MAKE}")
    return Package(documents[0], documents[1] if len(documents) == 2 else {})
