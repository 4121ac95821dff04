"""The Python that waits for tests ends, and is ended, as any other."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from warm import warm_python

ASKS = """
import os, sys
print(sys.argv, os.getcwd(), os.getcwd() in sys.path, dict(os.environ))
sys.exit(sys.stdin.read())
"""
BOTH = [pytest.param(True, id="-P"), pytest.param(False, id="plain")]


@pytest.mark.parametrize("safe", BOTH)
def test_arguments_folder_environment_and_streams_are_those_of_the_call(tmp_path: Path, safe: bool) -> None:
    # As the real one: without -P its path has the folder as "", which is the same.
    arguments = [*(["-P"] if safe else []), "-c", ASKS, "a b"]
    environment = {"HERE": "é", "LC_CTYPE": "C.UTF-8"}
    done = subprocess.run(
        [warm_python(), *arguments],
        cwd=tmp_path,
        env=environment,
        input="no",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == f"{['-c', 'a b']} {tmp_path} {not safe} {environment}\n"
    assert (done.returncode, done.stderr) == (1, "no\n")


@pytest.mark.parametrize("ends", ["raise SystemExit(7)", "1 / 0", "import os; os.kill(os.getpid(), 15)"])
def test_it_ends_as_python_does(ends: str) -> None:
    real, warm = (
        subprocess.run([python, "-c", ends], capture_output=True, check=False).returncode
        for python in (sys.executable, warm_python())
    )
    assert warm == real != 0


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_with_the_client_ends_what_runs(how: signal.Signals) -> None:
    code = "import os, time; print(os.getpid(), flush=True); time.sleep(60)"
    with subprocess.Popen([warm_python(), "-c", code], stdout=subprocess.PIPE, text=True) as client:
        assert client.stdout
        process = Path("/proc", client.stdout.readline().strip())
        assert process.exists()
        client.send_signal(how)
        assert client.wait() == -how
    deadline = time.monotonic() + 10
    while process.exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
