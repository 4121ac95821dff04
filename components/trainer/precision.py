"""What training computes in: bfloat16 where the machine has it, float32 elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import keras
import tensorflow as tf

from components.trainer.models.architecture import Architecture

_CPU_FLAGS = frozenset({"avx512_bf16", "amx_bf16"})
_LEAST_CAPABILITY = (8, 0)
"""Of NVIDIA's devices, from Ampere on."""
_POLICIES = {"float32": "float32", "bfloat16": "mixed_bfloat16"}


@dataclass(frozen=True)
class Precision:
    """What is computed in, and why."""

    name: Literal["float32", "bfloat16"]
    reason: str
    """For people."""

    def as_json(self) -> dict[str, str]:
        return {"precision": self.name, "precision_reason": self.reason}

    @contextmanager
    def building(self) -> Iterator[None]:
        """Layers that are made within compute in it, with weights in float32; others do not."""
        kept = keras.config.dtype_policy()
        keras.config.set_dtype_policy(_POLICIES[self.name])
        try:
            yield
        finally:
            keras.config.set_dtype_policy(kept)


def precision_for(
    wanted: Literal["auto", "float32", "bfloat16"], devices: Sequence[str], architecture: Architecture
) -> Precision:
    """What `[training] precision` means on devices of this machine, named as `components.trainer.devices` does."""
    if wanted != "auto":
        return Precision(wanted, f'[training] precision = "{wanted}"')
    if all(device.startswith("CPU") for device in devices):
        if not architecture.gains_by_bfloat16:
            return Precision("float32", "auto: on a processor this network would be slower in bfloat16")
        return of_processor(_text(Path("/proc/cpuinfo")))
    return of_accelerators({device: _capability(device) for device in devices})


def of_processor(cpuinfo: str) -> Precision:
    """By the text of /proc/cpuinfo: that a library emulates bfloat16 makes it slower than float32."""
    flags = re.findall(r"^flags\s*:(.*)$", cpuinfo, re.MULTILINE)
    common = _CPU_FLAGS.intersection(*(each.split() for each in flags)) if flags else frozenset()
    if common:
        return Precision("bfloat16", f"auto: this processor computes in bfloat16 ({', '.join(sorted(common))})")
    return Precision("float32", "auto: this processor has no bfloat16")


def of_accelerators(capabilities: Mapping[str, tuple[int, int] | None]) -> Precision:
    """By the compute capability of each, which NVIDIA's alone have."""
    for name, capability in capabilities.items():
        if capability is None:
            return Precision("float32", f"auto: whether {name} computes in bfloat16 is not known")
        if tuple(capability) < _LEAST_CAPABILITY:
            of = ".".join(map(str, capability))
            return Precision("float32", f"auto: {name} has no bfloat16: compute capability {of}, 8.0 is needed")
    return Precision("bfloat16", f"auto: {', '.join(capabilities)} compute in bfloat16")


def _capability(device: str) -> tuple[int, int] | None:
    """Of a logical device; those that one physical device was cut into are alike."""
    physical = tf.config.list_physical_devices("GPU")
    number = min(int(device.rpartition(":")[2]), len(physical) - 1)
    found: tuple[int, int] | None = tf.config.experimental.get_device_details(physical[number]).get(
        "compute_capability"
    )
    return found


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""
