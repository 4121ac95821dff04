"""What can be said of the image without building it."""

from __future__ import annotations

import importlib
import json
import pkgutil
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

import components
import pipeline
from components.inference.engines.registry import ENGINES, module_name
from pipeline.kubeflow.spec.compile import ENTRYPOINT

ROOT = Path(__file__).parents[2]
LINES = [line.strip() for line in (ROOT / "Dockerfile").read_text().splitlines() if not line.startswith("#")]
COPIED = [
    source for line in LINES if line.startswith("COPY ") and "--from" not in line for source in line.split()[1:-1]
]
RULES = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]


def arguments(instruction: str) -> list[str]:
    return [line.split(maxsplit=1)[1] for line in LINES if line.startswith(instruction + " ")]


def test_the_last_user_is_a_number_other_than_root() -> None:
    user, group = arguments("USER")[-1].split(":")
    assert int(user) > 0
    assert int(group) == 0


def test_the_image_does_by_itself_what_a_compiled_step_does() -> None:
    assert json.loads(arguments("CMD")[-1]) == list(ENTRYPOINT)


def test_every_stage_begins_with_the_base_that_the_argument_names() -> None:
    bases = [stage.split()[0] for stage in arguments("FROM")]
    assert set(bases) == {"${BASE}", "dependencies"}
    assert bases[-1] == "${BASE}"


@pytest.mark.parametrize("name", ["Dockerfile", "Makefile", "tests/e2e/base_image.sh", "tests/e2e/local_runner.lock"])
def test_no_address_of_a_package_index_is_in_a_file(name: str) -> None:
    text = (ROOT / name).read_text()
    assert not re.search(r"https?://|--(extra-)?index-url|--find-links|--trusted-host", text)


def test_all_that_is_copied_is_here_and_is_sent_and_nothing_else() -> None:
    assert COPIED
    for source in COPIED:
        assert (ROOT / source).exists(), source
    assert RULES[0] == "*"
    assert {rule[1:] for rule in RULES if rule.startswith("!")} == set(COPIED)
    # What is let in again must be cut back after it, for the last rule wins.
    assert RULES[-1] == "**/__pycache__"


def test_uv_is_the_one_of_the_set_up() -> None:
    [here] = re.findall(r"^UV_VERSION := (\S+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert f"UV_VERSION={here}" in arguments("ARG")


@pytest.mark.long
@pytest.mark.parametrize("package", [components, pipeline])
def test_every_module_is_imported_as_the_image_does_and_none_starts_anything(
    package: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The image has no extras; what imported an engine already must do so again.
    for name, kind in ENGINES.items():
        monkeypatch.delitem(sys.modules, module_name(name), raising=False)
        for module in kind.converts:
            monkeypatch.setitem(sys.modules, module, None)
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        importlib.import_module(module.name)
