"""What a process runs on: versions of what makes the numbers, and the processor."""

from __future__ import annotations

import platform
import re
import subprocess
from importlib.metadata import version
from pathlib import Path

_PACKAGES = ("tensorflow", "keras", "tfx", "apache-beam", "numpy", "opencv-python-headless")


def versions() -> dict[str, str]:
    """Versions of Maskline and of what it stands on."""
    return {name: version(name) for name in ("maskline", *_PACKAGES)}


def processor(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    """As it calls itself; where Linux does not tell, its architecture."""
    named = re.search(r"^model name\s*:\s*(.+)$", cpuinfo.read_text(), re.MULTILINE) if cpuinfo.is_file() else None
    return named[1].strip() if named else platform.machine()


def accelerator_memory() -> list[float]:
    """Bytes of each accelerator, which NVIDIA's driver tells; empty where there is none, or nothing tells."""
    command = ["nvidia-smi", "--query-gpu=memory.total", "--format=csv,noheader,nounits"]
    try:
        told = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    except (OSError, subprocess.SubprocessError):
        told = ""
    return accelerators_told(told)


def accelerators_told(told: str) -> list[float]:
    """By the lines of `nvidia-smi`, MiB each; what are no numbers tell nothing."""
    return [2.0**20 * int(line) for line in told.split() if line.isdigit()]
