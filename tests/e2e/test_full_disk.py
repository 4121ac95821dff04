"""Whole runs on disks that are too small, and then are not; and what kills leave on them."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from driver import REPOSITORY, Result, command, maskline, overrides

from pipeline.runs.phantoms.sets import write_phantoms

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]

Mount = Callable[[int], Path]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("films")
    write_phantoms(folder, women=24, size=96, seed=7)
    return folder


def settings(**changes: str) -> list[str]:
    return overrides(training__epochs="3", **changes)


def run(out: Path, data: Path) -> Result:
    return maskline("run", "demo", "--out", out, "--data", data, "--json", *settings())


def mounted(folder: Path, kilobytes: int, *, again: bool = False) -> bool:
    option = f"{'remount,' if again else ''}size={kilobytes}k"
    mount = ["mount", "-t", "tmpfs", "-o", option, "tmpfs", str(folder)]
    return subprocess.run(mount, check=False, capture_output=True).returncode == 0


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Mount]:
    """Makes, or resizes, a disk of so many kilobytes."""

    def make(kilobytes: int) -> Path:
        if not mounted(tmp_path, kilobytes, again=tmp_path.is_mount()):
            pytest.skip("no disk can be mounted here")
        return tmp_path

    yield make
    if tmp_path.is_mount():
        subprocess.run(["umount", str(tmp_path)], check=True)


def measures(result: Result) -> dict[str, Any]:
    return {split: found["dice"] for split, found in result.record["metrics"].items()}


def files(out: Path) -> dict[str, int]:
    """Sizes of all that is in the folders of artifacts, whatever their numbers; times and ids are in some."""
    found = {}
    for path in (out / "artifacts").rglob("*"):
        if path.is_file() and "events.out" not in path.name:
            name = re.sub(r"/(\.?)\d+(?=/|\.json$)", r"/\1N", str(path.relative_to(out)))
            found[name] = path.stat().st_size
    return found


@pytest.fixture(scope="module")
def undisturbed(data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, int], dict[str, Any]]:
    out = tmp_path_factory.mktemp("undisturbed")
    found = measures(run(out, data))
    return files(out), found


@pytest.mark.parametrize("kilobytes", [100, 600, 1350, 1500, 1800, 2400])
def test_a_full_disk_is_named_and_with_room_the_run_goes_on(
    disk: Mount, data: Path, undisturbed: tuple[dict[str, int], dict[str, Any]], kilobytes: int
) -> None:
    out = disk(kilobytes) / "out"
    full = run(out, data)
    assert full.code == 1
    assert full.record["status"] == "disk full"
    assert full.record["error"].startswith(f"disk full: {out}")
    assert "Traceback" not in full.stderr
    disk(30_000)
    done = run(out, data)
    assert (done.code, done.record["status"]) == (0, "done")
    assert measures(done) == undisturbed[1]


def test_a_scheduler_does_not_try_again_what_a_person_must_mend(disk: Mount, data: Path) -> None:
    out = disk(900) / "out"
    retried = settings(schedule__retries="3", schedule__backoff="1")
    ended = maskline("schedule", "demo", "--once", "--out", out, "--data", data, *retried)
    assert ended.code == 1
    [line] = [json.loads(line) for line in (out / "schedule.jsonl").read_text().splitlines()]
    assert (line["status"], line["attempt"]) == ("disk full", 1)
    assert line["reasons"][0].startswith(f"disk full: {out}")


@pytest.mark.parametrize("node", ["ImageMaskExampleGen", "Augmentor", "Trainer", "Evaluator"])
def test_of_a_killed_node_nothing_is_left(
    tmp_path: Path, data: Path, undisturbed: tuple[dict[str, int], dict[str, Any]], node: str
) -> None:
    process = subprocess.Popen(
        command("run", "demo", "--out", tmp_path, "--data", data, *settings()),
        stdout=subprocess.DEVNULL,
        cwd=REPOSITORY,
    )
    deadline = time.monotonic() + 240
    while not list(tmp_path.glob(f"artifacts/{node}/[!.]*/[0-9]*")):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.001)
    process.send_signal(signal.SIGKILL)
    process.wait()
    again = run(tmp_path, data)
    assert again.code == 0, again.stdout
    assert measures(again) == undisturbed[1]
    found, expected = files(tmp_path), undisturbed[0]
    assert found.keys() == expected.keys()
    assert sum(found.values()) == pytest.approx(sum(expected.values()), rel=0.01)
