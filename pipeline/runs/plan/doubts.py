"""What a recipe states against all that is known of its data."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.config.root import Config
from pipeline.runs.plan.fingerprint import Fingerprint

_WEIGHTS_PER_IMAGE = 250_000
"""Weights for each image up to which networks were seen to learn something: 4.2 million for 16 films."""
_INVISIBLE = 3.0
"""Pixels across below which a lesion has no outline left."""


def doubts(config: Config, seen: Fingerprint) -> Iterator[str]:
    """Sentences; empty where nothing speaks against the recipe. Builds its network where it names one."""
    yield from lesions_too_small(config, seen)
    if config.model.planned:
        yield from _of_network(config, seen)


def lesions_too_small(config: Config, seen: Fingerprint) -> Iterator[str]:
    """As `doubts`, of the size of records alone."""
    data = config.data
    if seen.lesion is None or data.tiles or data.fit == "crop":
        return
    scale = min(1.0, max(data.height, data.width) / seen.longest)
    if scale < 1 and seen.lesion * scale < _INVISIBLE:
        yield (
            f"[data] height = {data.height}, width = {data.width}: small lesions of {seen.lesion:.0f} px are "
            f"{seen.lesion * scale:.1f} px across at that size, of which no outline is left. Take larger records, or "
            "[data.tiles]"
        )


def _of_network(config: Config, seen: Fingerprint) -> Iterator[str]:
    # Imports TensorFlow.
    from components.trainer.footprint import footprint
    from components.trainer.segmenter import build_segmenter

    patch = config.training.patch or config.data
    shape = (patch.height, patch.width, config.data.channels)
    network = build_segmenter(config.data.channels, config.model, config.data.task).network
    weights, needed = network.count_params(), footprint(network, shape)
    drawn = config.model.parameters.get("weights", "none") == "none"
    if drawn and weights > _WEIGHTS_PER_IMAGE * max(seen.images, 1):
        yield (
            f"[model] {config.model.architecture}: {weights / 1e6:,.0f} million weights for {seen.images} images: such "
            "a network learns them by heart. Take fewer levels or filters, or an encoder that has learnt elsewhere"
        )
    batch = config.training.batch_size
    if needed.likely(batch) > seen.machine.memory:
        largest = needed.largest_batch(seen.machine.memory)
        yield (
            f"[training] batch_size = {batch}: a step takes some {needed.likely(batch) / 1e9:,.1f} GB of memory, "
            f"{seen.machine.memory / 1e9:,.1f} GB are free. "
            + (f"At most {largest} images fit" if largest else "Not a single image fits: take smaller records")
        )
