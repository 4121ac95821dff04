"""`maskline predict --beam`: whoever does it, files, tables and what is told are those of one process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from predicting import content, predict
from room import no_file_above
from small_network import network, save

from components.files import write_json
from components.imaging.files.codecs import encode_png
from components.predictions import workers
from components.predictions.workers import Part, PredictPart, Work

KINDS = ("--write", "probability,coco,lesions")


@pytest.fixture(scope="module")
def version(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = save(network(), tmp_path_factory.mktemp("serving") / "7")
    write_json(folder / "MANIFEST.json", {"version": folder.name})
    return folder


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Nineteen, three of which cannot be read: groups of eight, eight and three."""
    folder = tmp_path_factory.mktemp("images")
    for number in range(19):
        pixels = np.random.default_rng(number).integers(0, 255, (30 + number, 40)).astype(np.uint8)
        whole = encode_png(pixels)
        (folder / f"case{number:02d}.png").write_bytes(whole[: 60 if number in (2, 3, 17) else None])
    return folder


@pytest.fixture
def recipe(tmp_path: Path) -> Callable[[str], Path]:
    """`(lines)` -> a file with these lines in `[execution]`, and nothing else."""

    def write(lines: str) -> Path:
        path = tmp_path / "own.toml"
        path.write_text(f"[execution]\n{lines}")
        return path

    return write


HERE = ""
PROCESSES = 'workers = 2\nparallel = "processes"'


@pytest.mark.parametrize("lines", [HERE, pytest.param(PROCESSES, marks=pytest.mark.slow)], ids=["here", "processes"])
def test_what_is_written_and_told_is_what_one_process_writes_and_tells(
    version: Path, images: Path, recipe: Callable[[str], Path], tmp_path: Path, lines: str
) -> None:
    asked = (version, images, *KINDS, "--max-rejects", 3)
    result, told = predict(*asked, "--out", tmp_path / "one")
    assert (result.exit_code, told["answered"], len(told["rejects"])) == (0, 16, 3)
    by_workers, told_by_them = predict(*asked, "--out", tmp_path / "two", "--beam", recipe(lines))
    assert (by_workers.exit_code, told_by_them) == (0, {**told, "out": str(tmp_path / "two")})
    assert content(tmp_path / "two") == content(tmp_path / "one")
    assert not (tmp_path / "two/unfinished").exists()
    # Either goes on with what the other has left.
    (tmp_path / "two/records/case05.json").unlink()
    again, told = predict(*asked, "--out", tmp_path / "two", "--resume", "--beam", recipe(lines))
    assert (again.exit_code, told["of_them_before"], told["rejects"]) == (0, 15, told_by_them["rejects"])
    assert content(tmp_path / "two") == content(tmp_path / "one")


def test_a_slide_is_a_part_of_its_own(recipe: Callable[[str], Path], tmp_path: Path) -> None:
    pytest.importorskip("openslide")
    from slide_files import tissue, write_slide
    from test_predict_slides import version_in

    version = version_in(tmp_path / "7")
    (tmp_path / "in").mkdir()
    write_slide(tmp_path / "in/a.tif", tissue(600, 200))
    (tmp_path / "in/b.png").write_bytes(encode_png(tissue(90, 80)))
    asked = (version, tmp_path / "in", "--write", "probability,geojson", "--out")
    for out, options in (("one", ()), ("two", ("--beam", recipe(HERE)))):
        result, told = predict(*asked, tmp_path / out, *options)
        assert (result.exit_code, told["answered"]) == (0, 2)
    assert content(tmp_path / "two") == content(tmp_path / "one")


def test_what_cannot_go_well_is_said(
    version: Path, images: Path, recipe: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    pool = '"--job_endpoint=localhost:1", "--environment_type=EXTERNAL", "--environment_config=localhost:2"'
    cluster = f'beam = {{ runner = "portable", options = [{pool}] }}\nshared = ["{version.parent}"]'
    result, told = predict(version, images, "--out", out, "--beam", recipe(cluster))
    assert result.exit_code == 2
    assert f"{out}: the output folder is on this machine" in told["error"]
    assert not out.exists()
    with no_file_above(1200):
        result, told = predict(version, images, *KINDS, "--out", out, "--beam", recipe(HERE))
    assert (result.exit_code, told["status"]) == (1, "disk full")
    monkeypatch.setattr(workers, "PredictPart", SeesNoImages)
    result, told = predict(version, images, *KINDS, "--out", out, "--resume", "--beam", recipe(HERE))
    assert result.exit_code == 2
    assert "a worker of Beam, does not see it" in told["error"]


class SeesNoImages(PredictPart):
    """As a worker on a machine where they are not mounted."""

    def __init__(self, work: Work, told: Path) -> None:
        super().__init__(replace(work, seen=(Path("/elsewhere"),)), told)


class LosesAPart(PredictPart):
    """As a runner that drops an element."""

    def process(self, part: Part) -> None:
        if part.number != 1:
            super().process(part)


def test_a_group_that_is_lost_is_an_error(
    version: Path, images: Path, recipe: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(workers, "PredictPart", LosesAPart)
    result, told = predict(version, images, "--out", tmp_path / "out", "--beam", recipe(HERE))
    assert result.exit_code == 1
    assert "3 groups of images went into Beam, 2 came out" in told["error"]


@pytest.mark.slow
def test_killed_with_its_workers_or_without_it_ends_as_if_it_had_not_been(
    version: Path, recipe: Callable[[str], Path], tmp_path: Path
) -> None:
    images = tmp_path / "images"
    images.mkdir()
    for number in range(400):
        pixels = np.random.default_rng(number).integers(0, 255, (300, 200 + number)).astype(np.uint8)
        (images / f"{number:03d}.png").write_bytes(encode_png(pixels))
    asked: tuple[Any, ...] = (version, images, *KINDS)
    assert predict(*asked, "--out", tmp_path / "one")[0].exit_code == 0
    out = tmp_path / "two"
    command = [*asked, "--out", out, "--resume", "--beam", recipe(PROCESSES)]
    for least, end in ((3, os.killpg), (60, os.kill)):
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "pipeline.cli", "predict", *map(str, command)], start_new_session=True
        )
        while sum(1 for _ in (out / "records").glob("*.json")) < least:
            assert process.poll() is None
            time.sleep(0.002)
        end(process.pid, signal.SIGKILL)
        process.wait()
    assert not (out / "predictions.csv").exists()
    # Workers of the second may still be at it.
    result, told = predict(*command)
    assert (result.exit_code, told["answered"]) == (0, 400)
    assert told["of_them_before"] >= 60
    assert content(out) == content(tmp_path / "one")
