"""What a process runs on: versions of what makes the numbers, and the processor."""

from __future__ import annotations

import platform
import re
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
