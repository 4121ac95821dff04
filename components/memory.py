"""How much memory a process may still take: the machine's, that of its control group, or of its own limit."""

from __future__ import annotations

import re
import resource
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple


class Free(NamedTuple):
    """Bytes, and whose."""

    size: float
    of: str


def free_memory(root: Path = Path("/")) -> Free:
    """What this process can take beyond what it has, file caches counted as free; infinitely much where nothing says.

    `root` is where `proc` and `sys` stand. Control groups are those of version 1 or 2, with the ones above them.
    """
    return min([*_machine(root), *_groups(root), *_own(root), Free(float("inf"), "of nobody knows what")])


def peak_memory(root: Path = Path("/")) -> int | None:
    """The most bytes that this process has held at once since `forget_peak`; None: the system does not tell."""
    found = re.search(r"VmHWM:\s*(\d+)", _text(root / "proc/self/status"))
    return 1024 * int(found[1]) if found else None


def forget_peak() -> None:
    """Where the system does not let it, the peak stays that of the whole process."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def _machine(root: Path) -> Iterator[Free]:
    # What is swapped out is slow, and no reason to refuse.
    found = dict(re.findall(r"^(\w+):\s*(\d+) kB", _text(root / "proc/meminfo"), re.MULTILINE))
    if "MemAvailable" in found:
        yield Free(1024 * (int(found["MemAvailable"]) + int(found.get("SwapFree", 0))), "of this machine")


def _groups(root: Path) -> Iterator[Free]:
    mounted = root / "sys/fs/cgroup"
    for line in _text(root / "proc/self/cgroup").splitlines():
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if number == "0" and not controllers:
            yield from _limits(mounted, path, "memory.max", "memory.current", "")
        elif "memory" in controllers.split(","):
            yield from _limits(mounted / "memory", path, "memory.limit_in_bytes", "memory.usage_in_bytes", "total_")


def _limits(mounted: Path, path: str, limit: str, usage: str, prefix: str) -> Iterator[Free]:
    """Of a group and of those above it; a container sees its own as the mounted one, whatever path it is told."""
    inside = Path(path.lstrip("/"))
    for group in (inside, *inside.parents):
        most, used = _text(mounted / group / limit).strip(), _text(mounted / group / usage).strip()
        if most.isdigit() and used.isdigit():
            stat = dict(re.findall(r"^(\w+) (\d+)$", _text(mounted / group / "memory.stat"), re.MULTILINE))
            cached = sum(int(stat.get(f"{prefix}{kind}_file", 0)) for kind in ("active", "inactive"))
            yield Free(int(most) - int(used) + cached, "within the limit of this container or job")


def _own(root: Path) -> Iterator[Free]:
    most, _ = resource.getrlimit(resource.RLIMIT_AS)
    pages = _text(root / "proc/self/statm").split()
    if most != resource.RLIM_INFINITY and pages:
        yield Free(most - int(pages[0]) * resource.getpagesize(), "within this process's limit (ulimit -v)")


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""
