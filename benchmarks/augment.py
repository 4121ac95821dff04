"""Augmentation: the variants of the reference protocol, a second worker, and albumentations on the same operations.

albumentations is the extra `bench` and in no lock: `uv pip install --editable ".[bench]"` puts it beside the rest,
whose versions stay as they are, and `uv pip install --target DIR "albumentations==2.0.8" "opencv-python-headless<4.12"
"numpy<2"` into a folder for `PYTHONPATH`. With NO_ALBUMENTATIONS_UPDATE=1 it asks no network for a newer version.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import tensorflow as tf
from tfx.dsl.components.base.base_beam_executor import BaseBeamExecutor
from tfx.types import standard_artifacts

from benchmarks._films import write_films
from benchmarks._timing import processor_seconds, ratio
from components.augmentor.executor import Executor
from components.example_gen.listing import list_samples
from components.example_gen.outcome import outcome_of
from components.imaging.augmentation.augment import Augmentation, augmented
from components.imaging.augmentation.fields import distortion_from_fraction_blur, elastic_from_alpha_sigma
from components.imaging.augmentation.intensity import Intensity
from components.imaging.augmentation.lenses import Lens
from components.imaging.augmentation.settings import Augmentation as Settings
from components.imaging.augmentation.warp import Warp
from components.imaging.files.codecs import encode_png
from components.parallel import without_inner_threads
from components.records.record import Record
from components.records.tfexample import serialize, shard_name
from pipeline.config.execution import Execution
from pipeline.config.loader import load_config
from pipeline.graph.beam import beam_arguments
from pipeline.runs.environment import set_threads

_SIDE, _RECORDS, _SHARDS, _ROUNDS = 512, 300, 4, 15
_CENTRES = ((0.3, 0.3), (0.7, 0.3), (0.5, 0.5), (0.3, 0.7), (0.7, 0.7))
_PROTOCOL = (
    Warp(),
    Warp(horizontal_flip=True),
    Warp(vertical_flip=True),
    *(Warp(quarter_turns=turns) for turns in (1, 2, 3)),
    *(Warp(elastic=elastic_from_alpha_sigma(1300, sigma, _SIDE), border="edge") for sigma in (8, 10)),
    *(Warp(distortion=distortion_from_fraction_blur(fraction, 40, _SIDE)) for fraction in (0.02, 0.03)),
    *(Warp(zoom=zoom) for zoom in (0.7, 0.9)),
    *(Warp(lenses=(Lens(x, y, 0.3, amount),)) for amount in (0.3, -0.3) for x, y in _CENTRES),
)
"""Two flips, three right angles, and so on, and the pair itself: 22 variants, each of one operation."""


def measure() -> Iterator[str]:
    """Yields seconds for the protocol, the gain of a second worker, and times over those of albumentations."""
    without_inner_threads()
    with TemporaryDirectory() as folder:
        films = _film_records(Path(folder) / "films")
        pair = next(film for film in films if film.foreground)
        variants = partial(_variants, pair)
        taken = [processor_seconds(variants) for _ in range(_ROUNDS)]
        what = f"{len(_PROTOCOL)} variants of a film of {_SIDE} px in RGB as records, processor time"
        yield f"{what}: {median(taken):.3f} s ({min(taken):.3f} to {max(taken):.3f}, {_ROUNDS} rounds)"
        bare = ratio(variants, partial(_encoded, pair), _ROUNDS)
        yield f"{what}: time over that of encoding as many images and masks as PNG: {bare}"
        _write_records(Path(folder), films)
        one, two = (partial(_augment, Path(folder), Execution(workers=workers)) for workers in (1, 2))
        what = f"Augmentor, two copies of {_RECORDS} such records"
        # Where one other program keeps a core busy, two workers get 4/3 of the time that one gets.
        yield f"{what}, one worker over two, to be read on an idle machine alone: {ratio(one, two, 7)}"
        yield f"{what}, processor time of two workers over one: {ratio(two, one, 3, processor_seconds)}"
    try:
        import albumentations
    except ImportError:
        yield "albumentations is not installed, so there is no comparison with it; benchmarks/augment.py tells how to"
        return
    yield from _against(albumentations, pair.image, pair.mask)


def _against(library: Any, image: np.ndarray, mask: np.ndarray) -> Iterator[str]:
    """albumentations draws what it does in each call, and so do we."""
    affine = {"rotate": (-10, 10), "scale": (0.9, 1.1), "shear": (-5, 5), "p": 1}
    ours = {
        "horizontal_flip": 0.5,
        "rotation": {"probability": 1.0, "degrees": [-10.0, 10.0]},
        "zoom": {"probability": 1.0, "factor": [0.9, 1.1]},
        "shear": {"probability": 1.0},
    }
    theirs = library.Compose([library.Affine(**affine), library.HorizontalFlip(p=0.5)])
    yield f"affine and flip, {_over(theirs, ours, image, mask)}"
    for sigma in (8, 10):
        elastic = {"probability": 1.0, "alpha": 1300, "sigma": sigma}
        alone = library.Compose([library.ElasticTransform(alpha=114, sigma=sigma, p=1)])
        yield (
            f"elastic (sigma {sigma}), affine and flip, over elastic alone of albumentations, "
            f"{_over(alone, {**ours, 'elastic': elastic}, image, mask)}"
        )


def _over(theirs: Callable[..., Any], ours: dict[str, Any], image: np.ndarray, mask: np.ndarray) -> str:
    settings, rng = Settings.model_validate(ours), np.random.default_rng(0)
    calls = (partial(theirs, image=image, mask=mask), partial(augmented, image, mask, rng, settings))
    reached = ratio(*(partial(_times, call, 20) for call in calls), _ROUNDS)
    return f"{_SIDE} px RGB with mask, one thread: time of albumentations over ours: {reached}"


def _times(work: Callable[[], object], count: int) -> None:
    for _ in range(count):
        work()


def _variants(original: Record) -> list[bytes]:
    made = []
    for number, warp in enumerate(_PROTOCOL):
        augmentation = Augmentation(warp, Intensity())
        image, mask = augmentation.apply(original.image, original.mask)
        made.append(serialize(original.augmented(f"{original.id}+{number}", image, mask, augmentation.as_json())))
    return made


def _encoded(original: Record) -> None:
    for _ in _PROTOCOL:
        encode_png(original.image)
        encode_png(original.mask)


def _film_records(folder: Path) -> list[Record]:
    """Phantom films at 512 px in RGB."""
    root = write_films(folder, women=10)
    data = load_config("mias", ["data.channels=3", f"data.height={_SIDE}", f"data.width={_SIDE}"]).records
    found = [outcome_of(sample, root, data, lambda record: record)[1] for sample in list_samples(root, data).samples]
    return list(chain.from_iterable(found))


def _write_records(folder: Path, films: Sequence[Record]) -> None:
    for split, count in (("train", _RECORDS), ("eval", 0)):
        (folder / f"Split-{split}").mkdir()
        for shard in range(_SHARDS):
            with tf.io.TFRecordWriter(str(folder / f"Split-{split}" / shard_name(shard, _SHARDS))) as writer:
                for number in range(shard, count, _SHARDS):
                    writer.write(serialize(replace(films[number % len(films)], id=f"{number}")))


def _augment(folder: Path, execution: Execution) -> None:
    set_threads(execution)
    operations = {name: {"probability": 1.0} for name in ("rotation", "elastic", "brightness")}
    settings = Settings.model_validate({"copies": 2, "horizontal_flip": 0.5, **operations})
    with TemporaryDirectory() as output:
        source, made = standard_artifacts.Examples(), standard_artifacts.Examples()
        source.uri, made.uri = str(folder), output
        context = BaseBeamExecutor.Context(beam_pipeline_args=beam_arguments(execution), tmp_dir=f"{output}/tmp")
        inputs, outputs = {"examples": [source]}, {"augmented_examples": [made]}
        Executor(context).Do(inputs, outputs, {"settings": settings.model_dump_json()})
