"""Killed before any of their operations on files, a push, a rollback and pruning leave the old champion or the new one,
whole: who follows the pointer and who takes the highest number see the same."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from collections.abc import Callable
from functools import partial
from itertools import count
from pathlib import Path

import pytest
from raw_images import write

from components.serving_dir import champion_version, read_manifest, versions
from components.serving_push import push, push_again
from pipeline.runs.registry.prune import prune, unneeded


@pytest.fixture
def model(tmp_path: Path) -> Path:
    write(tmp_path / "model" / "saved_model.pb", b"graph")
    write(tmp_path / "model" / "variables" / "variables.index", b"weights")
    return tmp_path / "model"


def killed_at(step: int, change: Callable[[], object]) -> bool:
    """Does it in a process that kills itself before its operation `step` on files; whether it came that far."""
    child = os.fork()
    if child == 0:
        left = iter(range(step))

        def kill(event: str, _: object) -> None:
            operation = event == "open" or event.startswith(("os.", "shutil."))
            if operation and event != "os.kill" and next(left, None) is None:
                os.kill(os.getpid(), signal.SIGKILL)

        code = 1
        try:
            sys.addaudithook(kill)
            change()
            code = 0
        finally:
            os._exit(code)
    ended = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert ended in (0, -signal.SIGKILL)
    return ended != 0


def served_by_number(serving: Path) -> str | None:
    """As TensorFlow Serving takes it: the highest."""
    return max(versions(serving), key=int, default=None)


def content(folder: Path) -> dict[str, bytes]:
    files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    return {name: found for name, found in files.items() if name != "MANIFEST.json"}


@pytest.mark.parametrize("kind", ["the first version", "another version", "an old version again"])
def test_pointer_and_highest_number_agree_wherever_a_push_is_killed(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    first, again = kind == "the first version", kind == "an old version again"
    # A killed process loses nothing that the kernel has; waiting for the disk takes most of the time here.
    monkeypatch.setattr(os, "fsync", lambda file: None)
    candidate = tmp_path / "candidate"
    shutil.copytree(model, candidate)
    write(candidate / "saved_model.pb", b"another graph")
    ends = set()
    for step in count(1):
        serving = tmp_path / f"serving-{step}"
        serving.mkdir()
        begun = push(candidate, serving, {"step": 0}) if again else ""
        old = None if first else push(model, serving, {"step": 1})
        adds = partial(push_again, serving, begun) if again else partial(push, candidate, serving)
        killed = killed_at(step, partial(adds, {"step": 2}))
        served = champion_version(serving)
        assert served == served_by_number(serving)
        assert served is not None or first
        if served is not None:
            expected = (model, 1) if served == old else (candidate, 2)
            assert (content(serving / served), read_manifest(serving, served)["step"]) == (
                content(expected[0]),
                expected[1],
            )
        after = push(model, serving, {"step": 3})
        assert champion_version(serving) == after == served_by_number(serving)
        assert json.loads((serving / "CHAMPION.json").read_text()) == {"version": after}
        assert {path.name for path in serving.iterdir()} == {*versions(serving), "CHAMPION.json"}
        ends.add(served == old)
        if not killed:
            break
    assert step > 10
    assert ends == {True, False}


def test_pointer_and_highest_number_agree_wherever_a_prune_is_killed(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fsync", lambda file: None)
    for step in count(1):
        serving = tmp_path / f"serving-{step}"
        serving.mkdir()
        pushed = [push(model, serving, {"step": number}) for number in range(4)]
        found = unneeded(serving, 2)
        killed = killed_at(step, partial(prune, serving, 2, found))
        assert champion_version(serving) == served_by_number(serving) == pushed[-1]
        for version in versions(serving):
            assert content(serving / version) == content(model)
        assert set(pushed[2:]) <= set(versions(serving))
        assert killed or versions(serving) == pushed[2:]
        after = push(model, serving, {"step": 4})
        assert champion_version(serving) == after == served_by_number(serving)
        assert {path.name for path in serving.iterdir()} - {".lock"} == {*versions(serving), "CHAMPION.json"}
        if not killed:
            break
    assert step > 10
