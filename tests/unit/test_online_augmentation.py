"""Training data that change in every epoch: what the draws depend on, and that they are those made offline."""

from __future__ import annotations

import gc
import time
import tracemalloc
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from epochs import (
    ALL,
    BATCH,
    CHANGES_SEED,
    COUNT,
    FLIPS,
    GEOMETRY,
    HEIGHT,
    MODEL,
    PATCH,
    SHUFFLE_SEED,
    STEPS,
    WIDTH,
    Batch,
    assert_same,
    data,
    disc,
    picture,
    record,
    settings,
    taken,
    write,
    write_records,
)
from scipy.ndimage import center_of_mass

from components.imaging.augmentation.augment import augmented, generator
from components.imaging.augmentation.operations import Zoom
from components.imaging.augmentation.settings import Augmentation
from components.task import Task
from components.trainer import batches
from components.trainer.augmentation import EpochChanges
from components.trainer.batches import TrainingData, evaluation_batches
from components.trainer.segmenter import Segmenter, build_segmenter
from components.trainer.settings import Patch


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    return write_records(tmp_path_factory.mktemp("records"))


@pytest.fixture(params=["in memory", "streamed"])
def path(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "streamed":
        monkeypatch.setattr(batches, "CACHE_BYTES", 0)


@pytest.mark.usefixtures("path")
class TestDraws:
    @pytest.mark.parametrize("patch", [None, PATCH], ids=["whole", "patches"])
    def test_two_workers_make_the_batches_of_one_bit_for_bit(self, files: list[str], patch: Patch | None) -> None:
        one, two = (taken(data(files, ALL, patch, workers=workers).batches(), 3 * STEPS) for workers in (1, 2))
        assert_same(one, two)

    def test_a_sample_that_takes_longer_keeps_its_place(self, files: list[str]) -> None:
        class Uneven(EpochChanges):
            def _changed(self, *record: Any) -> tuple[np.ndarray, ...]:
                time.sleep(0.1 * (record[3] == b"r1"))
                return super()._changed(*record)

        one = data(files, ALL, workers=1)
        uneven = Uneven(CHANGES_SEED, ALL.model_copy(update={"seed": 1}), None)
        several = TrainingData(files, (HEIGHT, WIDTH, 1), BATCH, SHUFFLE_SEED, uneven, workers=4)
        assert_same(taken(one.batches()), taken(several.batches()))

    def test_an_epoch_does_not_depend_on_those_before_it(self, files: list[str]) -> None:
        in_a_row = taken(data(files, ALL).batches(), 3 * STEPS)
        for number in (2, 0, 1):
            assert_same(taken(data(files, ALL).epoch(number)), in_a_row[number * STEPS : (number + 1) * STEPS])

    @pytest.mark.parametrize("device", [False, True])
    def test_batch_is_the_one_that_training_saw(self, files: list[str], device: bool) -> None:
        seen: list[Batch] = []

        class Watched(Segmenter):
            def compute_loss(self, x: tf.Tensor, y: tf.Tensor, *_: Any, **__: Any) -> tf.Tensor:
                seen.append((x.numpy(), y.numpy()))
                return tf.constant(0.0)

        training = data(files, settings(*FLIPS, "elastic", "gamma", on_device=device))
        watched = Watched(build_segmenter(1, MODEL, Task()).network)
        # Nothing is learnt: the optimizer would have no gradients.
        watched.trainable = False
        watched.compile(run_eagerly=True)
        watched.fit(training.batches(), epochs=3, steps_per_epoch=STEPS, verbose=0, shuffle=False)
        assert len(seen) == 3 * STEPS
        for position in (0, 2, 4, 8):
            assert_same([training.batch(*divmod(position, STEPS))], [seen[position]])


def test_each_epoch_and_each_seed_of_the_section_draws_anew(files: list[str]) -> None:
    def images(seed: int, epoch: int) -> set[bytes]:
        return {image.tobytes() for batch, _ in taken(data(files, ALL, seed=seed).epoch(epoch)) for image in batch}

    made = [images(1, epoch) for epoch in range(4)] + [images(seed, 0) for seed in (2, 3)]
    assert len(set.union(*made)) == COUNT * len(made)


def changed(
    augmentation: Augmentation, number: int, epoch: int = 0, dtype: type = np.uint8, channels: int = 1
) -> tuple[np.ndarray, np.ndarray]:
    """What the pure function makes of a record."""
    rng = generator(augmentation.seed, f"r{number}", 0, epoch)
    return augmented(*picture(number, dtype, channels), rng, augmentation)[:2]


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_training_sees_what_the_pure_function_makes(tmp_path: Path, dtype: type, channels: int) -> None:
    """At the record's own depth: 8 bit in 16 would have other curves, other noise and other rounding."""
    files = write(tmp_path / "train", [record(number, dtype, channels) for number in range(BATCH)])
    most = np.iinfo(dtype).max
    for epoch in (0, 5):
        ((images, masks),) = taken(data(files, ALL, channels=channels).epoch(epoch))
        expected = [
            changed(ALL.model_copy(update={"seed": 1}), number, epoch, dtype, channels) for number in range(BATCH)
        ]
        found = {
            image.tobytes(): mask for image, mask in zip((images * most).round().astype(dtype), masks, strict=True)
        }
        for image, mask in expected:
            np.testing.assert_array_equal(found[image.tobytes()][..., 0], mask)


def test_records_of_8_and_of_16_bit_may_be_mixed(tmp_path: Path) -> None:
    kinds = [np.uint8, np.uint16, np.uint8]
    files = write(tmp_path / "train", [record(number, dtype) for number, dtype in enumerate(kinds)])
    ((images, _),) = taken(data(files, ALL).epoch(0))
    found = {image.tobytes() for image in (images * 65535).round().astype(np.uint16)}
    for number, dtype in enumerate(kinds):
        image, _ = changed(ALL.model_copy(update={"seed": 1}), number, dtype=dtype)
        assert (image.astype(np.uint16) * (65535 // np.iinfo(dtype).max)).tobytes() in found


def test_masks_keep_to_their_classes_and_to_their_images() -> None:
    warps = settings(*GEOMETRY, *FLIPS, probability=1.0)
    changes = EpochChanges(0, warps, None)
    places = np.random.default_rng(0).integers((12, 14), (20, 34), (20, 2))
    masks = np.stack([3 * disc(row, column, 5) for row, column in places])[..., None]
    images = (masks > 0).astype(np.uint16) * 65535
    names = [f"r{number}" for number in range(20)]
    records = tf.data.Dataset.from_tensor_slices({"image": images, "mask": masks, "deep": [True] * 20, "id": names})
    for sample in records.map(partial(changes, epoch=3)).as_numpy_iterator():
        image, classes = sample["image"], sample["mask"]
        assert set(np.unique(classes)) == {0, 3}
        shift = np.subtract(*(center_of_mass(pixels[..., 0].astype(float)) for pixels in (image, classes)))
        assert np.hypot(*shift) < 0.5


def test_a_lesion_that_a_draw_would_lose_is_drawn_again_as_offline() -> None:
    strong = settings("noise").model_copy(update={"zoom": Zoom(probability=1.0, factor=[0.1, 0.3])})
    masks = np.stack([disc(row, column, 1) for row, column in np.random.default_rng(0).integers(10, 22, (30, 2))])
    images = masks.astype(np.uint16) * 65535
    names = [f"r{number}" for number in range(30)]
    arrays = {"image": images[..., None], "mask": masks[..., None], "deep": [True] * 30, "id": names}
    changes = tf.data.Dataset.from_tensor_slices(arrays).map(partial(EpochChanges(0, strong, None), epoch=3))
    unmoved = 0
    for number, sample in enumerate(changes.as_numpy_iterator()):
        image, classes = sample["image"], sample["mask"]
        rng = generator(strong.seed, f"r{number}", 0, 3)
        expected, expected_classes, parameters = augmented(images[number], masks[number], rng, strong)
        np.testing.assert_array_equal(image[..., 0], expected)
        np.testing.assert_array_equal(classes[..., 0], expected_classes)
        assert classes.any()
        unmoved += parameters["warp"]["zoom"] == 1
    assert 0 < unmoved < 30


def test_data_that_are_evaluated_are_never_augmented(files: list[str]) -> None:
    training = data(files, ALL, PATCH)
    taken(training.batches(), STEPS)
    validation = evaluation_batches(files, (HEIGHT, WIDTH, 1), BATCH)
    for dataset in (training.in_order(), validation):
        images, masks = (np.concatenate(part) for part in zip(*taken(dataset), strict=True))
        for number in range(COUNT):
            image, mask = picture(number)
            np.testing.assert_array_equal((images[number, ..., 0] * 255).round(), image)
            np.testing.assert_array_equal(masks[number, ..., 0], mask)


def test_memory_does_not_grow_with_the_epochs(files: list[str]) -> None:
    training = data(files, ALL, PATCH).batches()

    def after(epochs: int) -> int:
        for _ in training.take(epochs * STEPS):
            pass
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        early = after(5)
        growth = after(30) - early
    finally:
        tracemalloc.stop()
    # Of what is made for a record in an epoch, not even the random numbers' generator may stay.
    assert growth < 30 * COUNT * 300
