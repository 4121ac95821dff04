"""Started in a folder that has packages of the same names as Maskline's."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from driver import REPOSITORY, overrides


def test_every_process_imports_what_is_installed(tmp_path: Path) -> None:
    """Beam's workers and the check of the served model are processes of their own."""
    for package in ("components", "pipeline", "schemas"):
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").write_text("raise ImportError('foreign')")
    settings = overrides(training__epochs="1", execution__parallel="processes", execution__workers="2")
    command = [
        sys.executable,
        "-P",
        "-m",
        "pipeline.cli",
        "run",
        "demo",
        "--out",
        tmp_path / "out",
        "--json",
        *settings,
    ]
    done = subprocess.run(
        command, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(REPOSITORY)}, capture_output=True, check=False
    )
    record = json.loads(done.stdout)
    assert [step["state"] for step in record["steps"]] == ["ran"] * 12, record["reasons"]
    assert "foreign" not in (tmp_path / "out" / "runs" / record["id"] / "log.txt").read_text()
    assert record["pushed"], record["reasons"]
