"""`maskline doctor`: whether this machine can run the pipeline."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

from pipeline.terminal import Styled, Terminal

_LEAST_MEMORY_GIB = 4
_LEAST_DISK_GIB = 5

Finding = dict[str, Any]


def examine(data: Path | None) -> list[Finding]:
    """What was found, as `{name, ok, found}` and, where it is not ok, what was expected."""
    findings = [_python(), *_packages(), _memory(), _disk(), _accelerator(), _java()]
    return [*findings, _data(data)] if data else findings


def print_examination(findings: list[Finding]) -> None:
    """A line per finding."""
    terminal = Terminal()
    for finding in findings:
        mark = Styled("ok ", "green") if finding["ok"] else Styled("BAD", "red")
        expected = "" if finding["ok"] else f", expected {finding['expected']}"
        terminal.say(mark, f" {finding['name']:<28} {finding['found']}{expected}")


def _finding(name: str, ok: bool, found: str, expected: str) -> Finding:
    return {"name": name, "ok": ok, "found": found, "expected": expected}


def _python() -> Finding:
    found = f"{platform.python_version()} on {platform.system()}, {' '.join(platform.libc_ver())}"
    return _finding("Python", sys.version_info[:2] == (3, 11), found, "3.11")


def _packages() -> list[Finding]:
    needed = [Requirement(text) for text in requires("maskline") or []]
    return [_package(item) for item in needed if item.marker is None or item.marker.evaluate({"extra": ""})]


def _package(needed: Requirement) -> Finding:
    try:
        found = version(needed.name)
    except PackageNotFoundError:
        return _finding(needed.name, False, "not installed", str(needed.specifier))
    return _finding(needed.name, needed.specifier.contains(found), found, str(needed.specifier))


def _memory() -> Finding:
    gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    found = f"{gib:.1f} GiB, {os.cpu_count()} cores"
    return _finding("memory", gib >= _LEAST_MEMORY_GIB, found, f"{_LEAST_MEMORY_GIB} GiB or more")


def _disk() -> Finding:
    gib = shutil.disk_usage(Path.cwd()).free / 2**30
    return _finding("free disk here", gib >= _LEAST_DISK_GIB, f"{gib:.0f} GiB", f"{_LEAST_DISK_GIB} GiB or more")


def _accelerator() -> Finding:
    """TensorFlow is asked in a process of its own: what it prints is not for this terminal."""
    script = (
        "import json, tensorflow as tf; print(json.dumps([d.name for d in tf.config.list_physical_devices('GPU')]))"
    )
    process = subprocess.run([sys.executable, "-P", "-c", script], capture_output=True, text=True, check=False)
    if process.returncode:
        last_line = (process.stderr.strip() or "no message").splitlines()[-1]
        return _finding("TensorFlow", False, last_line, "to be importable")
    devices = json.loads(process.stdout.splitlines()[-1])
    return _finding("accelerator", True, ", ".join(devices) or "none, training runs on the processor", "")


def _java() -> Finding:
    found = shutil.which("java") or "none; Beam needs it to start a job server of Flink or Spark here"
    return _finding("Java", True, found, "")


def _data(data: Path) -> Finding:
    if not data.is_dir():
        return _finding("data folder", False, f"{data} is no folder", "a folder")
    files = sum(1 for path in data.rglob("*") if path.is_file())
    return _finding("data folder", files > 0, f"{files} files in {data}", "files")
