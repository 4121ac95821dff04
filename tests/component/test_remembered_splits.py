"""The node that reads the data: told which groups are held out, or finding the champion itself, as on a cluster."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ingest import read
from tfx.types import standard_artifacts

from components.example_gen.component import ImageMaskExampleGen
from components.example_gen.executor import Executor
from components.example_gen.settings import DataSettings
from components.serving_push import push

DATA = DataSettings.model_validate(
    {"layout": "folders", "height": 32, "width": 32, "groups": {"by": "pattern", "pattern": r"(p\d+)_"}}
)


@pytest.fixture
def root(tmp_path: Path, write_pairs: Callable[..., Path]) -> Path:
    """Twelve patients, of whom p08 and p04 are test by hash."""
    return write_pairs(tmp_path / "data", patients=12)


@pytest.fixture
def serving(tmp_path: Path) -> Path:
    """A champion that was tested on p01 and has learnt p08."""
    (tmp_path / "serving").mkdir()
    (tmp_path / "model").mkdir()
    rows = [{"group": "p01", "split": "test"}, {"group": "p08", "split": "train"}]
    (tmp_path / "split_report.json").write_text(json.dumps({"records": rows}))
    push(tmp_path / "model", tmp_path / "serving", {}, tmp_path / "split_report.json")
    return tmp_path / "serving"


def in_test(root: Path, folder: Path, **parameters: Any) -> set[str]:
    """The groups of the test split that the node makes."""
    examples = standard_artifacts.Examples()
    examples.uri = str(folder)
    given = {"input_base": str(root), "settings": DATA.model_dump_json(), **parameters}
    Executor(Executor.Context()).Do({}, {"examples": [examples]}, given)
    made = read(examples, DATA)
    return {made.groups[name] for name, split in made.splits.items() if split == "test"}


def test_a_step_that_is_told_nothing_finds_the_champion(root: Path, serving: Path, tmp_path: Path) -> None:
    assert in_test(root, tmp_path / "out", serving_dir=str(serving)) == {"p01", "p04"}


def test_without_a_champion_the_draw_decides(root: Path, tmp_path: Path) -> None:
    assert in_test(root, tmp_path / "out", serving_dir=str(tmp_path / "nowhere")) == {"p04", "p08"}


@pytest.mark.parametrize(("told", "expected"), [("null", {"p04", "p08"}), ('["p02"]', {"p02"}), ("[]", set())])
def test_what_it_is_told_counts_whoever_is_served(
    root: Path, serving: Path, tmp_path: Path, told: str, expected: set[str]
) -> None:
    assert in_test(root, tmp_path / "out", held_out=told, serving_dir=str(serving)) == expected


def test_where_it_is_told_another_serving_folder_changes_no_parameter() -> None:
    """By which results are reused."""

    def parameters(held_out: str | None, serving: str) -> dict[str, Any]:
        node = ImageMaskExampleGen("/data", "", held_out, serving, DATA.model_dump_json(), "")
        return {name: node.exec_properties.get(name) for name in ("held_out", "serving_dir")}

    assert parameters("null", "/one") == parameters("null", "/other") == {"held_out": "null", "serving_dir": None}
    assert parameters(None, "/one") == {"held_out": None, "serving_dir": "/one"}
