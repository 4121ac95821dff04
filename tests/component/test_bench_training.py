"""`maskline bench training`: a recipe's step on this machine, measured and told."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipeline.cli.app import app
from pipeline.cli.bench import in_lines

SMALL = ["data.height=32", "data.width=32", "model.parameters={levels=2,base_filters=2}", "training.batch_size=4"]
OPTIONS = [part for setting in SMALL for part in ("--set", setting)]


@pytest.fixture(scope="module")
def found(write_pairs: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> dict:
    folder = write_pairs(tmp_path_factory.mktemp("bench") / "discs", patients=6)
    options = ["--data", str(folder), *OPTIONS, "--seconds", "1", "--json"]
    done = CliRunner().invoke(app, ["bench", "training", "folders", *options])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


@pytest.mark.slow
def test_speeds_with_and_without_loading(found: dict) -> None:
    assert found["batch_size"] == 4
    assert found["device"].startswith(("CPU:", "GPU:"))
    assert found["images_per_second"] == pytest.approx(4 / found["loaded_step_seconds"]["wall"])
    assert found["images_per_second_cached"] == pytest.approx(4 / found["cached_step_seconds"]["wall"])
    assert 0 <= found["data_share"] < 1
    assert found["limited_by"] == ("data" if found["data_share"] > 0.05 else "computation")
    assert found["peak_memory"] > 100e6


@pytest.mark.slow
def test_a_line_for_each_measure(found: dict) -> None:
    lines = list(in_lines(found))
    assert [line.split("  ")[0] for line in lines] == [
        *("device", "precision", "batch", "with loading", "without", "data", "limited by", "memory")
    ]
    assert f"{found['images_per_second']:.1f} images/s" in lines[3]


def test_without_data_it_says_what_to_give() -> None:
    done = CliRunner().invoke(app, ["bench", "training", "folders"])
    assert done.exit_code == 2
    assert "no data: give the folder with the images, --data DIR" in done.output
