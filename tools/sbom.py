"""The lock as a software bill of materials, CycloneDX 1.6 in JSON: of the same lock and packages the same bytes.

    python tools/sbom.py requirements.lock > sbom.cdx.json

Hashes are those of the files that may be installed; licences are what the installed packages declare.
"""

from __future__ import annotations

import json
import re
import sys
import tomllib
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")
_VIA = re.compile(r"^    #(?: via |   )(\S+)", re.MULTILINE)
_LONGEST_NAME = 80  # characters; longer ones, and those of several lines, are the text of a licence


class Pin(NamedTuple):
    name: str
    version: str
    hashes: list[str]
    asked_by: list[str]

    @property
    def purl(self) -> str:
        return f"pkg:pypi/{self.name}@{self.version}"


def pins(lock: str) -> list[Pin]:
    """Of a lock as `uv pip compile` writes it, in its order."""
    blocks = re.split(r"^(?=[a-z0-9])", lock, flags=re.MULTILINE)[1:]
    return [Pin(*block.split()[0].split("=="), _HASH.findall(block), _VIA.findall(block)) for block in blocks]


def bill(lock: str, project: dict[str, Any]) -> dict[str, Any]:
    """The document of a lock and of `[project]` of its pyproject.toml."""
    locked, root = pins(lock), project["name"]
    refs = {root: root, **{pin.name: pin.purl for pin in locked}}
    needs: dict[str, list[str]] = {ref: [] for ref in refs.values()}
    for pin in locked:
        for asker in pin.asked_by:
            needs[refs[asker]].append(pin.purl)
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": root,
                "name": root,
                "version": project["version"],
                "licenses": [{"expression": project["license"]}],
            }
        },
        "components": [_component(pin) for pin in locked],
        "dependencies": [{"ref": ref, "dependsOn": sorted(needed)} for ref, needed in needs.items()],
    }


def _component(pin: Pin) -> dict[str, Any]:
    hashes = [{"alg": "SHA-256", "content": digest} for digest in pin.hashes]
    return {
        "type": "library",
        "bom-ref": pin.purl,
        "name": pin.name,
        "version": pin.version,
        "purl": pin.purl,
        "licenses": _licences(pin),
        # Of a component itself the hashes of all its wheels would be those of one file.
        "externalReferences": [{"type": "distribution", "url": pin.purl, "hashes": hashes}],
    }


def _licences(pin: Pin) -> list[dict[str, Any]]:
    """An SPDX expression, classifiers or a name; none of what is not installed, or in another version."""
    try:
        declared = metadata.metadata(pin.name)
    except metadata.PackageNotFoundError:
        return []
    if declared["Version"] != pin.version:
        return []
    if expression := declared.get("License-Expression"):
        return [{"expression": expression}]
    names = [each.split(" :: ")[-1] for each in declared.get_all("Classifier", []) if each.startswith("License ::")]
    if not names and (name := (declared.get("License") or "").strip()) and len(name) <= _LONGEST_NAME:
        names = name.splitlines()[:1]
    return [{"license": {"name": name}} for name in sorted(set(names))]


if __name__ == "__main__":
    path = Path(sys.argv[1])
    about = tomllib.loads(path.with_name("pyproject.toml").read_text())["project"]
    json.dump(bill(path.read_text(), about), sys.stdout, indent=1, sort_keys=True)
