"""Started in a folder that has packages of the same names as Maskline's."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from driver import REPOSITORY, nodes, overrides

from pipeline.kubeflow.spec.compile import ENTRYPOINT

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(REPOSITORY)}


@pytest.fixture
def foreign(tmp_path: Path) -> Path:
    for package in ("components", "pipeline", "schemas"):
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").write_text("raise ImportError('foreign')")
    return tmp_path


@pytest.mark.slow
def test_every_process_imports_what_is_installed(foreign: Path) -> None:
    """Beam's workers and the check of the served model are processes of their own."""
    settings = overrides(training__epochs="1", execution__parallel="processes", execution__workers="2")
    command = [
        sys.executable,
        "-P",
        "-m",
        "pipeline.cli",
        "run",
        "demo",
        "--out",
        foreign / "out",
        "--json",
        *settings,
    ]
    done = subprocess.run(command, cwd=foreign, env=ENVIRONMENT, capture_output=True, check=False)
    record = json.loads(done.stdout)
    assert {step["id"]: step["state"] for step in record["steps"]} == dict.fromkeys(nodes(), "ran"), record["reasons"]
    assert "foreign" not in (foreign / "out" / "runs" / record["id"] / "log.txt").read_text()
    assert record["pushed"], record["reasons"]


def test_a_step_on_a_cluster_imports_what_is_installed(foreign: Path) -> None:
    command = [sys.executable, *ENTRYPOINT[1:], "--help"]
    done = subprocess.run(command, cwd=foreign, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert "--executor_class_path" in done.stdout, done.stderr
