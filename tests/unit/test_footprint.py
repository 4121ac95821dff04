"""What a training step needs of memory, by hand for a small network, and what is asked of a machine."""

from __future__ import annotations

import logging
import math
import resource
import subprocess
import sys
from pathlib import Path

import keras
import pytest
from epochs import MODEL

from components.errors import UsageError
from components.machine import accelerators_told
from components.memory import Free, free_memory
from components.task import Task
from components.trainer.footprint import Footprint, ask_memory, footprint
from components.trainer.precision import Precision
from components.trainer.segmenter import build_segmenter

GIB = 2**30
NEEDED = Footprint(image=100 * 10**6, weights=50 * 10**6)


@pytest.mark.parametrize(("precision", "size"), [("float32", 4), ("bfloat16", 2)])
def test_what_gradients_need_of_an_image(precision: str, size: int) -> None:
    """Two levels of 2 and 4 filters: the inputs of each convolution, in units of a pixel at full resolution."""
    with Precision(precision, "test").building():
        network = build_segmenter(1, MODEL, Task()).network
    encoder, bridge, decoder, head = 1 + 2, (2 + 4) / 4 + 4 / 4, (2 + 2) + 2, 2
    # The images come in float32.
    pixels = size * (encoder - 1 + bridge + decoder + head) + 4
    assert footprint(network, (32, 48, 1)) == Footprint(int(32 * 48 * pixels), 4 * network.count_params())


def test_networks_within_a_network_count_as_well() -> None:
    inner_images = keras.Input((None, None, 1))
    inner = keras.Model(inner_images, keras.layers.Conv2D(3, 3, strides=2, padding="same")(inner_images))
    images = keras.Input((None, None, 1))
    shared = keras.layers.Conv2D(3, 1)
    features = shared(shared(inner(images)))
    network = keras.Model(images, keras.layers.Conv2D(1, 1)(features))
    assert footprint(network, (8, 8, 1)).image == 4 * (8 * 8 + 2 * 4 * 4 * 3), (
        "a layer that is called twice counts once"
    )


def test_a_batch_that_cannot_fit_is_refused_with_the_largest_that_does() -> None:
    with pytest.raises(UsageError) as error:
        ask_memory(NEEDED, 16, 16, Free(10**9, "of this machine"))
    assert str(error.value).startswith(
        "[training] batch_size = 16: a training step takes 1.7 GB of memory or more, 1.0 GB are free of this machine. "
        "The largest that fits is 9; "
    )
    ask_memory(NEEDED, 9, 9, Free(10**9, "of this machine"))


def test_of_several_devices_each_holds_its_share() -> None:
    ask_memory(NEEDED, 18, 9, Free(10**9, "of the accelerator"))
    with pytest.raises(UsageError, match=r"batch_size = 20: .* 1\.1 GB .* The largest that fits is 18;"):
        ask_memory(NEEDED, 20, 10, Free(10**9, "of the accelerator"))


def test_where_not_one_image_fits_the_advice_is_another() -> None:
    with pytest.raises(UsageError, match=r"Not even a single image fits; \[training\.patch\]"):
        ask_memory(NEEDED, 1, 1, Free(10**8, "of this machine"))


@pytest.mark.parametrize(("free", "level"), [(10 * GIB, "INFO"), (1.2 * 10**9, "WARNING"), (math.inf, "INFO")])
def test_what_may_fit_is_told_and_goes_on(free: float, level: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "maskline.trainer")
    ask_memory(NEEDED, 9, 9, Free(free, "of this machine"))
    [record] = caplog.records
    assert record.levelname == level
    assert "a training step will take about 1.6 GB of memory" in record.getMessage()


@pytest.mark.parametrize(
    ("told", "sizes"), [("40960\n81920\n", [40 * GIB, 80 * GIB]), ("", []), ("[N/A]\n", []), ("No devices", [])]
)
def test_memory_of_accelerators_is_as_their_driver_tells(told: str, sizes: list[float]) -> None:
    assert accelerators_told(told) == sizes


def machine(root: Path, **files: str) -> Path:
    """Files of `/proc` and `/sys`, by their paths with `__` for `/`."""
    for name, text in {"proc__meminfo": "MemTotal: 8388608 kB\nMemAvailable: 4194304 kB\n", **files}.items():
        path = root / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


V2 = {
    "memory.max": "3221225472",
    "memory.current": "2147483648",
    "memory.stat": "inactive_file 1048576\nactive_file 0\n",
}
V1 = {
    "memory.limit_in_bytes": "3221225472",
    "memory.usage_in_bytes": "2147483648",
    "memory.stat": "total_inactive_file 1048576\ntotal_active_file 0\n",
}


@pytest.mark.parametrize(
    ("told", "folder", "files"),
    [
        ("0::/job/step\n", "sys__fs__cgroup__job__step", V2),
        ("0::/job/step\n", "sys__fs__cgroup__job", V2),
        # In a container the path is the host's.
        ("0::/../../kubepods/pod\n", "sys__fs__cgroup", V2),
        ("4:cpu:/x\n3:memory:/docker/abc\n", "sys__fs__cgroup__memory", V1),
        ("4:cpu:/x\n3:memory,pids:/job\n", "sys__fs__cgroup__memory__job", V1),
    ],
)
def test_a_limit_of_a_control_group_counts(tmp_path: Path, told: str, folder: str, files: dict[str, str]) -> None:
    limits = {f"{folder}__{name}": text for name, text in files.items()}
    root = machine(tmp_path, proc__self__cgroup=told, **limits)
    assert free_memory(root) == Free(GIB + 2**20, "within the limit of this container or job")


@pytest.mark.parametrize(
    "files",
    [
        {},
        {
            "proc__self__cgroup": "0::/\n",
            "sys__fs__cgroup__memory.max": "max\n",
            "sys__fs__cgroup__memory.current": "1",
        },
        {"proc__self__cgroup": "\0 garbage\n::\n"},
    ],
)
def test_without_a_limit_the_machine_counts(tmp_path: Path, files: dict[str, str]) -> None:
    assert free_memory(machine(tmp_path, **files)) == Free(4 * GIB, "of this machine")


def test_swap_counts_as_free(tmp_path: Path) -> None:
    root = machine(tmp_path, proc__meminfo="MemAvailable: 1048576 kB\nSwapFree: 1048576 kB\n")
    assert free_memory(root).size == 2 * GIB


def test_where_nothing_says_anything_nothing_is_asked(tmp_path: Path) -> None:
    assert free_memory(tmp_path).size == math.inf


def test_a_limit_of_the_process_counts() -> None:
    script = "from components.memory import free_memory; print(*free_memory())"
    limit = 2**28
    done = subprocess.run(
        [sys.executable, "-c", script],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)),
        capture_output=True,
        text=True,
        check=True,
    )
    size, _, of = done.stdout.partition(" ")
    assert 0 < float(size) < limit
    assert "ulimit -v" in of
