"""Real schedulers with real runs: two at once, and what is left when they, or their runs, are killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from driver import REPOSITORY, Result, command, maskline, overrides

from components.files import is_locked
from pipeline.runs.phantoms.sets import write_phantoms


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("films")
    write_phantoms(folder, women=24, size=96, seed=7)
    return folder


def arguments(out: Path, data: Path, serving: Path, seed: int = 0) -> list[object]:
    settings = overrides(
        training__epochs="1", training__seed=str(seed), schedule__backoff="1", serving__destination=str(serving)
    )
    return ["schedule", "demo", "--once", "--out", out, "--data", data, *settings]


def start(out: Path, data: Path, serving: Path, seed: int = 0) -> subprocess.Popen[bytes]:
    out.mkdir(exist_ok=True)
    with (out / "said").open("ab") as said:
        return subprocess.Popen(
            command(*arguments(out, data, serving, seed)),
            stdout=said,
            stderr=said,
            cwd=REPOSITORY,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        )


def ledger(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / "schedule.jsonl").read_text().splitlines()]


def runs(out: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_text()) for path in sorted(out.glob("runs/*/run.json"))]


def wait_for(condition: Callable[[], object], seconds: float = 240) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.1)


def has_done(out: Path, number: int, node: str) -> Callable[[], bool]:
    """Whether the run of this number, counted from 0, has finished a node."""

    def done() -> bool:
        found = runs(out)
        return len(found) > number and node in {step["id"] for step in found[number].get("steps", [])}

    return done


@dataclass(frozen=True)
class Interrupted:
    """An output folder whose three runs were all ended in the middle."""

    out: Path
    serving: Path
    meanwhile: Result
    """What a second scheduler said while the run of a killed one was on."""
    asked: int
    """Exit code of the last scheduler, which was asked to end."""


@pytest.fixture(scope="module")
def interrupted(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Interrupted:
    folder = tmp_path_factory.mktemp("interrupted")
    out, serving = folder / "a", folder / "serving"
    killed = start(out, data, serving)
    # The run is killed: the scheduler starts it again.
    wait_for(has_done(out, 0, "ImageMaskExampleGen"))
    os.kill(runs(out)[0]["pid"], signal.SIGKILL)
    wait_for(has_done(out, 1, "ImageMaskExampleGen"))
    # The scheduler is killed, and its run later.
    killed.kill()
    killed.wait()
    meanwhile = maskline(*arguments(out, data, serving), "--json")
    os.kill(runs(out)[1]["pid"], signal.SIGKILL)
    wait_for(lambda: not is_locked(out / ".lock"))
    asked = start(out, data, serving)
    wait_for(has_done(out, 2, "ImageMaskExampleGen"))
    asked.send_signal(signal.SIGTERM)
    return Interrupted(out, serving, meanwhile, asked.wait())


def test_kills_in_the_middle_lose_nothing(interrupted: Interrupted) -> None:
    out = interrupted.out
    assert runs(out)[1]["steps"][0]["state"] == "cached"
    # The run of a killed scheduler goes on, and keeps a second one away.
    assert interrupted.meanwhile.code == 0
    assert interrupted.meanwhile.record["reason"] == "another run uses the output folder"
    # A scheduler that is asked to end asks its run, which ends between two nodes, and writes its line.
    assert interrupted.asked == 143
    ended = runs(out)[2]
    assert (ended["status"], ended["exit_code"]) == ("interrupted", 143)
    assert {step["state"] for step in ended["steps"]} <= {"ran", "cached"}
    first, last = ledger(out)
    assert (first["decision"], last["status"], last["exit_code"]) == ("skipped", "interrupted", 143)
    assert last["run"] == ended["id"]
    assert "told to end (SIGTERM) before" in last["reasons"][0]
    assert not (interrupted.serving / "CHAMPION.json").exists()


@pytest.mark.slow
def test_two_schedulers_on_one_serving_folder_push_once(interrupted: Interrupted, data: Path) -> None:
    serving, folders = interrupted.serving, [interrupted.out, interrupted.out.with_name("b")]
    done = {step["id"] for step in runs(interrupted.out)[2]["steps"]}
    # Two seeds: equal candidates would not be two candidates.
    pair = [start(out, data, serving, seed) for seed, out in enumerate(folders)]
    codes = [process.wait() for process in pair]
    lines = [ledger(out)[-1] for out in folders]
    [pushed] = [line for line in lines if line["pushed"]]
    [other] = [line for line in lines if not line["pushed"]]
    assert (pushed["exit_code"], sorted(codes)[0]) == (0, 0)
    assert (other["decision"], other["exit_code"]) in (("ran", 3), ("skipped", None))
    champion = json.loads((serving / "CHAMPION.json").read_text())["version"]
    assert champion == pushed["pushed"]
    assert [path.name for path in serving.iterdir() if path.name[0] != "." and path.is_dir()] == [champion]
    assert not list(serving.glob(".unfinished-*"))
    manifest = json.loads((serving / champion / "MANIFEST.json").read_text())
    assert (manifest["run"], manifest["data_fingerprint"]) == (pushed["run"], pushed["fingerprint"])
    # What had been interrupted went on where it ended.
    cached = {step["id"] for step in runs(interrupted.out)[3]["steps"] if step["cached"]}
    assert "ImageMaskExampleGen" in cached >= done - {"ChampionResolver"}
    # The next slot of either has nothing to learn.
    for seed, out in enumerate(folders):
        again = maskline(*arguments(out, data, serving, seed), "--json")
        assert (again.code, again.record["decision"]) == (0, "skipped"), again.stderr
    listed = maskline("runs", serving.parent, "--json").record
    assert [run["status"] for run in listed].count("skipped") == 3
    assert json.loads((serving / "CHAMPION.json").read_text())["version"] == champion


def test_the_loop_ends_at_once_when_asked_while_it_waits(tmp_path: Path, data: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    words = command("schedule", "demo", "--cron", "0 2 29 2 *", "--out", out, "--data", data)
    for number, code in ((signal.SIGTERM, 0), (signal.SIGINT, 130)):
        with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY) as loop:
            assert loop.stdout
            assert loop.stdout.readline().startswith("next run: 20")
            second = maskline("schedule", "demo", "--once", "--out", out, "--data", data)
            assert (second.code, f"process {loop.pid} on " in second.stderr) == (2, True)
            loop.send_signal(number)
            assert loop.wait(10) == code
            assert loop.stdout.read() == f"stopped by {number.name}\n"
    assert not (out / "schedule.jsonl").exists()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([], "no time to run at"),
        (["--cron", "0 2 * *"], "expected five fields"),
        (["--once", "--print", "systemd"], "exclude each other"),
        (["--once", "--set", "schedule.notify.webhook_env=NOT_SET_HERE"], "NOT_SET_HERE is not set"),
        (
            ["--cron", "0 2 * * *", "--print", "crontab", "--set", "schedule.notify.webhook=https://s3cr3t"],
            "webhook_env",
        ),
    ],
)
def test_mistakes_are_usage_errors(tmp_path: Path, given: list[str], message: str) -> None:
    result = maskline("schedule", "demo", "--out", tmp_path / "out", *given)
    assert (result.code, message in result.stderr) == (2, True), result.stderr
    assert "s3cr3t" not in result.stderr


def test_what_is_printed_starts_the_scheduler(tmp_path: Path, data: Path) -> None:
    words = ["schedule", "demo", "--cron", "0 2 * * *", "--out", tmp_path / "o %", "--data", data, "--print", "crontab"]
    line = maskline(*words, "--set", "schedule.notify.webhook_env=NOT_SET_HERE").stdout
    assert line.startswith("0 2 * * * cd ")
    shell = line.split(" ", 5)[5].replace("\\%", "%")
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    started = subprocess.run(["sh", "-c", shell], capture_output=True, text=True, check=False, env=environment)
    # Not a run, but the error of its own config: the arguments came through.
    assert (started.returncode, "NOT_SET_HERE is not set" in started.stderr) == (2, True), started.stderr
