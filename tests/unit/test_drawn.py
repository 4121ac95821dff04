"""Training data that a plan draws: from memory and from files, the records and windows that it says."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from epochs import ALL, BATCH, CHANGES_SEED, HEIGHT, WIDTH, Batch, assert_same, record, taken

from components.imaging.augmentation.settings import Augmentation
from components.imaging.truth.classes import IGNORE
from components.records.record import Record
from components.records.tfexample import serialize, shard_name
from components.trainer import batches
from components.trainer.augmentation import EpochChanges
from components.trainer.batches import TrainingData
from components.trainer.drawn import read_facts
from components.trainer.sampling import Plan, Sampling
from components.trainer.settings import Patch, Training

COUNT, SHARDS = 11, 2
LABELS = ["benign", "", "malignant"]


def numbered(number: int) -> Record:
    """Its number in its first pixel; two of three records have no foreground but a region that is not judged."""
    made = record(number)
    made.image[0, 0] = number
    mask = made.mask if number % 3 == 0 else np.where(made.mask > 1, IGNORE, 0).astype(np.uint8)
    return replace(made, mask=mask, label=LABELS[number % 3])


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("shards")
    names = [str(folder / shard_name(index, SHARDS)) for index in range(SHARDS)]
    for index, name in enumerate(names):
        with tf.io.TFRecordWriter(name) as writer:
            for number in range(index, COUNT, SHARDS):
                writer.write(serialize(numbered(number)))
    return names


IN_ORDER = [*range(0, COUNT, 2), *range(1, COUNT, 2)]
"""The records, as they lie in the two shards."""


@pytest.fixture(params=["in memory", "streamed"])
def path(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "streamed":
        monkeypatch.setattr(batches, "CACHE_BYTES", 0)


def data(
    files: list[str],
    sampling: Sampling,
    augmentation: Augmentation | None = None,
    patch: Patch | None = None,
    **more: Any,
) -> TrainingData:
    changes = EpochChanges(CHANGES_SEED, augmentation, patch) if augmentation or patch else None
    return TrainingData(files, (HEIGHT, WIDTH, 1), BATCH, 5, changes, sampling=sampling, **more)


def names(images: np.ndarray) -> list[int]:
    return (images[:, 0, 0, 0] * 255).round().astype(int).tolist()


def test_facts_are_read_without_what_is_not_judged(files: list[str]) -> None:
    facts, places = read_facts(files[::-1])
    assert facts.classes == [[1, 3] if number % 3 == 0 else [] for number in IN_ORDER]
    assert facts.labels == [LABELS[number % 3] for number in IN_ORDER]
    assert places.file.tolist() == [0] * 6 + [1] * 5


@pytest.mark.usefixtures("path")
class TestDrawn:
    SAMPLING = Sampling(oversample_foreground=0.33, balance="labels", per_record=3)

    def test_batches_are_those_of_the_plan(self, files: list[str]) -> None:
        training = data(files, self.SAMPLING)
        assert (training.records, training.steps_per_epoch) == (COUNT, 11)
        plan = Plan(read_facts(files)[0], self.SAMPLING, BATCH, 5)
        epochs = training.batches().take(22).as_numpy_iterator()
        for epoch in range(2):
            drawn = [IN_ORDER[number] for number in plan.epoch(epoch).records]
            found = list(islice(epochs, 11))
            assert [name for images, _ in found for name in names(images)] == drawn
            for images, masks in found:
                # One of three.
                assert any(name % 3 == 0 for name in names(images))
                for name, mask in zip(names(images), masks, strict=True):
                    np.testing.assert_array_equal(mask[..., 0], numbered(name).mask)

    def test_devices_get_full_batches_only(self, files: list[str]) -> None:
        training = data(files, Sampling(balance="labels"), full_batches=True)
        assert training.steps_per_epoch == 3
        assert [len(images) for images, _ in training.epoch(0).as_numpy_iterator()] == [3, 3, 3]

    def test_two_workers_make_the_batches_of_one_bit_for_bit(self, files: list[str]) -> None:
        patch = Patch(height=8, width=12)
        one, two = (taken(data(files, self.SAMPLING, ALL, patch, workers=w).epoch(2), 11) for w in (1, 2))
        assert_same(one, two)

    def test_all_records_once_where_nothing_is_trained(self, files: list[str]) -> None:
        in_order = data(files, self.SAMPLING).in_order().as_numpy_iterator()
        assert [name for images, _ in in_order for name in names(images)] == IN_ORDER


def test_in_memory_the_files_are_read_once(files: list[str]) -> None:
    training = data(files, Sampling(balance="labels"))
    for file in files:
        Path(file).rename(f"{file}.away")
    try:
        assert len(taken(training.batches(), 9)) == 9
    finally:
        for file in files:
            Path(f"{file}.away").rename(file)


def windows(found: list[Batch]) -> tuple[list[np.ndarray], list[np.ndarray]]:
    return [image for (images, _), _ in found for image in images], [mask for _, masks in found for mask in masks]


def test_each_visit_in_an_epoch_sees_another_window_and_another_augmentation(files: list[str]) -> None:
    sampling, patch = Sampling(per_record=4), Patch(height=HEIGHT, width=WIDTH, per_record=4)
    images, _ = windows(taken(data(files, sampling, ALL, patch).epoch(0), 99))
    assert len({image.tobytes() for image in images}) == 4 * COUNT


@pytest.mark.parametrize("augmentation", [None, ALL], ids=["as they are", "augmented"])
def test_windows_of_a_batch_hold_the_share_of_foreground(files: list[str], augmentation: Augmentation | None) -> None:
    training = Training(epochs=1, oversample_foreground=0.67, patch=Patch(height=2, width=2))
    drawn = data(files, Sampling(oversample_foreground=0.67), augmentation, training.windows)
    found = taken(drawn.epoch(0), 99)
    held = [((mask > 0) & (mask < IGNORE)).any() for mask in windows(found)[1]]
    for begin in range(0, COUNT - BATCH, BATCH):
        # Two of three; the rest lie anywhere, where there is hardly any.
        assert sum(held[begin : begin + BATCH]) >= 2
    assert sum(held) <= 9


def test_tiles_keep_the_moments_of_their_sources(tmp_path: Path) -> None:
    file = str(tmp_path / "tiles")
    with tf.io.TFRecordWriter(file) as writer:
        for number in range(6):
            writer.write(serialize(replace(numbered(number), moments=(0.1 * number, 0.5 + 0.1 * number))))
    patch = Patch(height=16, width=16, per_record=2, foreground_share=0.0)
    sampling = Sampling(oversample_foreground=0.33, per_record=2)
    seen: Counter[float] = Counter()
    for (images, moments), masks in taken(data([file], sampling, patch=patch, tiled=True).epoch(0), 99):
        assert (images.shape[1:], masks.shape[1:]) == ((16, 16, 1), (16, 16, 1))
        np.testing.assert_allclose(moments[:, 1] - moments[:, 0], 0.5, atol=1e-6)
        seen.update(moments[:, 0].astype(float).round(1).tolist())
    # Records 0 and 3 have foreground: drawn for it twice each, and as others.
    assert sum(seen.values()) == 12
    assert min(seen[0.0], seen[0.3]) >= 2
