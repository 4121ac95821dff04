"""What stands in a folder of choices, and in no registry, could not be chosen and would be missed by nobody."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from inspect import signature
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType
from typing import Any

import pytest
from typer.testing import CliRunner

from components.example_gen.layouts.layout import Layout
from components.example_gen.layouts.registry import LAYOUTS
from components.imaging.annotations.document import Format
from components.imaging.annotations.registry import FORMATS
from components.imaging.annotations.target import Target
from components.imaging.annotations.target_registry import TARGETS
from components.inference.engines.registry import ENGINES
from components.measures.all import MEASURES
from components.measures.measure import CasesMeasure, ClassMeasure
from components.trainer.encoders.registry import ENCODERS
from components.trainer.losses.registry import LOSSES
from components.trainer.models.registry import ARCHITECTURES, network_module
from components.trainer.optimizers.registry import OPTIMIZERS
from pipeline.cli.app import app


def _modules(package: str) -> Iterator[ModuleType]:
    for found in iter_modules(import_module(package).__path__):
        yield import_module(f"{package}.{found.name}")


def _own_name(module: ModuleType) -> str:
    return module.__name__.rsplit(".", 1)[1]


def _values(package: str, kind: type | tuple[type, ...]) -> list[Any]:
    return [value for module in _modules(package) for value in vars(module).values() if isinstance(value, kind)]


@pytest.mark.parametrize(
    ("package", "registry"),
    [("components.trainer.losses", LOSSES), ("components.trainer.optimizers", OPTIMIZERS)],
)
def test_every_function_named_as_its_module_and_called_as_the_others_is_listed(
    package: str, registry: dict[str, str]
) -> None:
    own = {_own_name(module): module for module in _modules(package) if hasattr(module, _own_name(module))}
    calls = {name: [*signature(getattr(module, name)).parameters] for name, module in own.items()}
    expected = calls[next(iter(registry))]
    assert {name: own[name].__name__ for name, call in calls.items() if call == expected} == registry


def test_every_network_is_listed() -> None:
    packages = {
        found.name for found in iter_modules(import_module("components.trainer.models").__path__) if found.ispkg
    }
    assert packages == {*ARCHITECTURES}
    assert all(import_module(network_module(name)).body for name in packages)


def test_every_encoder_is_listed() -> None:
    modules = {module.__name__ for module in _modules("components.trainer.encoders") if hasattr(module, "published")}
    assert modules == {*ENCODERS.values()}
    for module in map(import_module, modules):
        assert [*signature(module.encoder).parameters] == ["name"]
        assert [*signature(module.published).parameters] == ["name", "fetch"]
        assert [*signature(module.load).parameters] == ["encoder", "name", "path", "content"]


def test_every_engine_is_listed() -> None:
    found = {module for module in _modules("components.inference.engines") if hasattr(module, "open_engine")}
    assert {_own_name(module) for module in found} == {*ENGINES}
    assert all([*signature(module.convert).parameters][1:] == ["folder", "precision", "samples"] for module in found)


def test_every_layout_is_listed() -> None:
    assert {layout.name for layout in _values("components.example_gen.layouts", Layout)} == {*LAYOUTS}


def test_every_format_of_annotations_is_listed() -> None:
    found = _values("components.imaging.annotations", Format)
    assert {each.name for each in found} == {*FORMATS}


def test_every_form_that_truth_is_written_in_is_listed_and_told() -> None:
    assert {each.name for each in _values("components.imaging.annotations", Target)} == {*TARGETS}
    told = CliRunner(env={"COLUMNS": "400"}).invoke(app, ["convert", "--help"]).output
    assert f"Of a folder: {', '.join(TARGETS)}." in " ".join(told.split())


def test_every_measure_is_listed() -> None:
    assert {measure.name for measure in _values("components.measures", (ClassMeasure, CasesMeasure))} == {*MEASURES}


def test_the_readme_has_every_measure() -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    assert not [name for name in MEASURES if f"`{name}`" not in readme]
