"""What all who take part are given: images to learn from, and images to answer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks.quality.experiments import DATA_SETS, DataSet
from benchmarks.quality.prepared import data_set, sources_of, split_samples
from components.example_gen.core import Source
from components.example_gen.listing import list_samples
from components.imaging.files.codecs import with_channels
from components.imaging.truth.classes import IGNORE
from components.records.splits import VALIDATION
from pipeline.config.loader import load_config
from pipeline.config.root import Config
from pipeline.runs.phantoms.sets import write_phantoms

PLACE = Path(__file__).parents[1]


@dataclass(frozen=True)
class Problem:
    """A data set, split."""

    data: str
    """Its name."""
    root: Path
    known: DataSet
    config: Config
    """Of which `records` says how files are read, and `evaluator` how answers are measured."""
    split: str
    """That is measured."""
    train: Sequence[Source]
    validation: Sequence[Source]
    measured: Sequence[Source]

    @property
    def channels(self) -> int:
        """Of the images: 1 or 3."""
        return self.config.records.channels

    @property
    def classes(self) -> list[str]:
        """Names of the class indices from 1 on."""
        return self.config.data.task.classes

    def pixels(self, source: Source) -> np.ndarray:
        """Gray `(H, W)`, or RGB `(H, W, 3)` where there are three channels; uint8."""
        assert source.image.dtype == np.uint8
        return with_channels(source.image, self.channels)

    def truth(self, source: Source) -> np.ndarray:
        """Class indices `(H, W)` uint8; everything is judged."""
        assert not (source.truth.classes == IGNORE).any()
        return source.truth.classes


def config_of(data: str, changes: Sequence[str] = ()) -> Config:
    """That of a data set, which says how its files are read; with changes as `--set` has them."""
    return load_config(str(PLACE / f"{data}.toml"), ["training.budget='1 steps'", *changes])


@contextmanager
def folder_of(data: str) -> Iterator[Path]:
    """A folder with a data set, which phantoms are drawn into.

    Args:
        data: name of phantoms, or a folder.

    Raises:
        UsageError: there is no such folder, or none of its name is known.
    """
    with TemporaryDirectory() as scratch:
        drawn = config_of(data).data.phantoms if data in DATA_SETS else None
        root = Path(scratch) / data if drawn else Path(data)
        if drawn:
            write_phantoms(root, **drawn.model_dump())
        data_set(root)
        yield root


def problem_of(root: Path, split: str) -> Problem:
    """That of a folder and the split that is measured."""
    name, known = root.resolve().name, data_set(root)
    config = config_of(name)
    samples = split_samples(list_samples(root, config.records).samples, known, split)
    train, validation, measured = (
        list(sources_of(root, [sample for sample in samples if sample.split == one], config.records))
        for one in ("train", VALIDATION, split)
    )
    return Problem(name, root, known, config, split, train, validation, measured)
