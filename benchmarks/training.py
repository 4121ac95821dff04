"""The training step: against that of the reference systems, over threads, precision and compilation; and its data.

Processes of their own take steps in turn. Processor times are of all threads: they leave out what else the machine
does, which wall times do not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from statistics import median

from benchmarks._trainer import Seconds, Trainer, trainer
from components.trainer.devices import accelerators
from components.trainer.models.unet.parameters import UNet
from components.trainer.precision import precision_for
from pipeline.cli.bench import measure_training

_ROUNDS = 5
_DEMO = {"size": 128, "batch": 8, "levels": 4, "filters": 8}
_ENCODERS = [{"encoder": name} for name in ("efficientnet_lite0", "efficientnet_b0", "resnet50", "xception")]


def measure() -> Iterator[str]:
    """Yields ratios of steps."""
    best = precision_for("auto", accelerators(), UNet()).name
    large = {"size": 512, "batch": 2, "precision": best}
    cases = [
        ("the demo's: 128 px, batch 8, 4 levels, 8 filters", {**_DEMO, "precision": "float32"}, 15),
        ("512 px, batch 2, 6 levels", {**large, "levels": 6}, 3),
        ("512 px, batch 2, 8 levels", {**large, "levels": 8}, 2),
    ]
    for name, case, rounds in cases:
        with trainer(**case) as ours, trainer(**case, peer=True) as theirs:
            yield f"{name}: step of the reference systems over ours: {_ratios(theirs, ours, rounds)}"
    small = {"levels": 5, "size": 256, "batch": 4}
    with trainer(**small, threads=1) as one, trainer(**small, threads=2) as two:
        yield f"256 px, batch 4, 5 levels: one thread over two: {_ratios(one, two)}"
    with trainer(**small) as plain, trainer(**small, compiled=True) as compiled:
        yield (
            f"the same: compiled by XLA over not compiled: {_ratios(compiled, plain)}; the first step takes "
            f"{compiled.first.processor:.1f} s of the processor, not compiled {plain.first.processor:.1f} s"
        )
    if best != "float32":
        for network in [{"filters": 8}, {"filters": 16}, {"filters": 24}, {"filters": 32}, *_ENCODERS]:
            case = {**_DEMO, **network}
            with trainer(**case, precision=best) as half, trainer(**case) as full:
                yield f"128 px, batch 8, {_told(network)}: {best} over float32: {_ratios(half, full)}"
    for what, settings in {"in copies": [], "online": ["augmentation.copies=0", "augmentation.online=true"]}.items():
        share = measure_training("demo", None, settings, 10)["data_share"]
        yield f"the demo recipe, augmented {what}: loading takes {100 * share:.1f} % of a step's processor time"


def _told(network: Mapping[str, object]) -> str:
    return ", ".join(f"{name} {value}" for name, value in network.items())


def _ratios(numerator: Trainer, denominator: Trainer, count: int = _ROUNDS) -> str:
    """Of wall and processor times of one step, taken in turn."""
    rounds = [(numerator.steps(1), denominator.steps(1)) for _ in range(count)]
    told = []
    for kind in Seconds._fields:
        found = [getattr(one, kind) / getattr(other, kind) for one, other in rounds]
        told.append(f"{kind} time {median(found):.2f} ({min(found):.2f} to {max(found):.2f})")
    return ", ".join(told)
