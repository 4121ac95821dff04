"""The bill of materials that `make sbom` writes of the lock."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from tools.sbom import bill, pins

ROOT = Path(__file__).parents[2]
LOCK = (ROOT / "requirements.lock").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
A, B, C = "a" * 64, "b" * 64, "c" * 64
SMALL = f"""# made
numpy==1.26.4 \\
    --hash=sha256:{A} \\
    --hash=sha256:{B}
    # via
    #   maskline (pyproject.toml)
    #   no-such-package
no-such-package==7 \\
    --hash=sha256:{C}
    # via maskline (pyproject.toml)
"""


def test_pins_have_name_version_hashes_and_who_asks_for_them() -> None:
    assert pins(SMALL) == [
        ("numpy", "1.26.4", [A, B], ["maskline", "no-such-package"]),
        ("no-such-package", "7", [C], ["maskline"]),
    ]
    assert len(pins(LOCK)) == LOCK.count("==")
    assert sum(len(pin.hashes) for pin in pins(LOCK)) == LOCK.count("--hash=")


def test_a_component_has_purl_hashes_and_the_licence_of_what_is_installed() -> None:
    numpy, unknown = bill(SMALL, PROJECT)["components"]
    assert numpy["purl"] == "pkg:pypi/numpy@1.26.4"
    assert [each["content"] for each in numpy["externalReferences"][0]["hashes"]] == [A, B]
    assert numpy["licenses"] == [{"license": {"name": "BSD License"}}]
    assert unknown["licenses"] == []
    other = bill(SMALL.replace("numpy==1.26.4", "numpy==1.26.3"), PROJECT)["components"][0]
    assert other["licenses"] == []


def test_who_needs_whom_is_told() -> None:
    needs = {each["ref"]: each["dependsOn"] for each in bill(SMALL, PROJECT)["dependencies"]}
    numpy, other = "pkg:pypi/numpy@1.26.4", "pkg:pypi/no-such-package@7"
    assert needs == {"maskline": [other, numpy], numpy: [], other: [numpy]}


@pytest.mark.parametrize("name", ["tfx", "keras"])
def test_no_text_of_a_licence_stands_for_its_name(name: str) -> None:
    line = f"{name}=={metadata.version(name)} \\\n    --hash=sha256:{A}\n"
    (component,) = bill(line, PROJECT)["components"]
    (licence,) = component["licenses"]
    assert "Apache" in licence["license"]["name"]
    assert len(licence["license"]["name"]) <= 80


def test_the_lock_makes_the_same_valid_document_each_time() -> None:
    command = [sys.executable, "tools/sbom.py", "requirements.lock"]
    written = [subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout for _ in range(2)]
    assert written[0] == written[1]
    document = json.loads(written[0])
    assert len(document["components"]) == len(pins(LOCK))
    document["components"] = document["components"][::8]  # all alike, and 11 ms each
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(document)) is None
