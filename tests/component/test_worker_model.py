"""The model of a worker of Beam: loaded once a process, which is told first what it may compute on."""

from __future__ import annotations

import os
import pickle
import subprocess
from functools import partial
from pathlib import Path

import pytest
from warm import warm_python

from components.errors import UsageError
from components.inference.worker import WorkerModel, raise_refusal
from components.parallel import ACCELERATORS, THREADS

WORKER = """
import os, pickle, sys
import tensorflow as tf
from pathlib import Path
worker = pickle.loads(Path(sys.argv[1]).read_bytes())
for _ in range(2):
    worker(lambda found: print("asked", *sorted(found)))
print("threads", tf.config.threading.get_intra_op_parallelism_threads())
print("accelerators", os.environ.get("TF_FORCE_GPU_ALLOW_GROWTH"))
"""


def in_a_process_of_its_own(worker: WorkerModel[set[str]], folder: Path, **environment: str) -> list[str]:
    (folder / "worker").write_bytes(pickle.dumps(worker))
    command = [warm_python(), "-c", WORKER, str(folder / "worker")]
    told = {name: value for name, value in os.environ.items() if name not in (THREADS, ACCELERATORS)}
    found = subprocess.run(command, env=told | environment, capture_output=True, text=True, check=True)
    return found.stdout.splitlines()


def load(folder: Path) -> set[str]:
    """Each time a file more."""
    (folder / str(len(list(folder.iterdir())))).touch()
    return {path.name for path in folder.iterdir()}


@pytest.mark.parametrize(
    ("threads", "environment", "expected"),
    [(None, {}, 0), (None, {THREADS: "1"}, 1), (3, {THREADS: "1"}, 3), (None, {THREADS: ""}, 0)],
)
def test_a_process_of_its_own_is_told_first(
    tmp_path: Path, threads: int | None, environment: dict[str, str], expected: int
) -> None:
    worker = WorkerModel(partial(set, "ab"), str(tmp_path / "refused"), threads=threads)
    found = in_a_process_of_its_own(worker, tmp_path, **environment)
    assert found == ["asked a b", "asked a b", f"threads {expected}", "accelerators true"]
    raise_refusal(str(tmp_path / "refused"))


def test_it_is_loaded_once_and_here_nothing_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(ACCELERATORS, raising=False)
    asked: list[set[str]] = []
    worker = WorkerModel(partial(load, tmp_path), str(tmp_path / "refused"), "cpu", 7)
    for each in (worker, worker, pickle.loads(pickle.dumps(worker))):
        each(asked.append)
    assert asked == [{"0"}] * 3
    assert ACCELERATORS not in os.environ


def test_a_refusal_comes_home_as_what_it_is(tmp_path: Path) -> None:
    def refuse(_: set[str]) -> None:
        raise UsageError("no such thing. Take another")

    worker = WorkerModel(partial(load, tmp_path), str(tmp_path / "refused"))
    worker(refuse)
    with pytest.raises(UsageError, match=r"^no such thing\. Take another$"):
        raise_refusal(str(tmp_path / "refused"))
    with pytest.raises(ZeroDivisionError):
        worker(lambda _: print(1 / 0))
