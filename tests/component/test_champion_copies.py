"""The copy of the champion that runs share: found again by its files, and made anew where they are others."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest
from tfx.orchestration.metadata import sqlite_metadata_connection_config

from components.serving_dir import content_sha256
from components.serving_push import push
from pipeline.config.root import Config
from pipeline.graph.pipeline import create_pipeline
from pipeline.graph.place import NOWHERE
from pipeline.runs.dag import NodeResult, compile_pipeline, run_nodes
from pipeline.runs.outputs import tidied
from pipeline.runs.store import finished_artifacts

FILES = ["MANIFEST.json", "saved_model.pb", "variables/variables.data", "assets.extra/model.keras"]


@pytest.fixture
def version(tmp_path: Path) -> Path:
    """The folder of the served version."""
    for name in FILES[1:]:
        file = tmp_path / "model" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"as it was pushed")
    (tmp_path / "serving").mkdir()
    return tmp_path / "serving" / push(tmp_path / "model", tmp_path / "serving", {})


@pytest.fixture
def resolve(config: Config, tmp_path: Path, version: Path) -> Callable[[], NodeResult]:
    def run() -> NodeResult:
        place = replace(
            NOWHERE,
            root=str(tmp_path / "artifacts"),
            serving=str(version.parent),
            champion_content=content_sha256(version),
            metadata=sqlite_metadata_connection_config(str(tmp_path / "metadata.sqlite")),
        )
        gone = tidied(tmp_path, finished_artifacts(place.metadata))
        compiled = compile_pipeline(create_pipeline(config, place, version.name), f"run-{uuid4()}")
        [result] = run_nodes(compiled, {"ChampionResolver"}, {}, gone, [tmp_path], lambda node: None)
        return result

    return run


def copied(result: NodeResult, version: Path) -> bool:
    """Whether the node's copy is what is served."""
    [copy] = result.outputs["champion"].path.iterdir()
    return all((copy / name).read_bytes() == (version / name).read_bytes() for name in FILES)


def test_a_copy_is_reused_as_long_as_it_is_what_is_served(resolve: Callable[[], NodeResult], version: Path) -> None:
    first, second = resolve(), resolve()
    assert (first.state, second.state) == ("ran", "cached")
    assert first.outputs == second.outputs

    damaged = next(first.outputs["champion"].path.iterdir()) / "variables/variables.data"
    damaged.write_bytes(b"as it was pusheD")
    third = resolve()
    assert third.state == "ran"
    assert third.reason.endswith("variables/variables.data is damaged")
    assert copied(third, version)

    mended = version / "assets.extra/model.keras"
    mended.write_bytes(b"damaged, and not noticed")
    assert copied(resolve(), version)
    mended.write_bytes(b"as it was pushed")
    assert copied(resolve(), version)


def test_after_its_store_and_its_folder_were_deleted_a_copy_is_made_once(
    resolve: Callable[[], NodeResult], tmp_path: Path, version: Path
) -> None:
    """The hidden list beside it has stayed, and told of another copy."""
    copy = resolve().outputs["champion"].path
    (version / "saved_model.pb").write_bytes(b"pushed later")
    (tmp_path / "metadata.sqlite").unlink()
    shutil.rmtree(copy)
    assert [resolve().state, resolve().state] == ["ran", "cached"]
