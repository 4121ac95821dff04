"""Training data that change in every epoch: what the draws depend on, that they are those made offline, and patches."""

from __future__ import annotations

import gc
import time
import tracemalloc
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import center_of_mass

from components.imaging.augment import Augmentation, augmented, draw, generator
from components.imaging.intensity import Intensity
from components.imaging.shapes import Ellipse, Shape
from components.imaging.shapes import draw as drawn_shapes
from components.imaging.warp import Warp
from components.record import Record
from components.tfexample import serialize
from components.trainer import batches
from components.trainer.augmentation import (
    EpochChanges,
    Trainee,
    change_on_device,
    patch_corner,
    without_device_share,
)
from components.trainer.batches import TrainingData, evaluation_batches
from components.trainer.preprocessing import Standardize
from components.trainer.run import build_model, compile_model
from pipeline.config.augmentation import Augmentation as Settings

COUNT, BATCH, STEPS = 7, 3, 3
HEIGHT, WIDTH = 32, 48
MODEL = {"architecture": "unet", "parameters": {"levels": 2, "base_filters": 2}}
TRAINING = {"optimizer": "adam", "learning_rate": 0.01, "clip_value": None, "loss": "bce_dice"}
PATCH = {"height": 8, "width": 12, "foreground_share": 0.5}

GEOMETRY = ("rotation", "zoom", "shear", "elastic", "distortion", "barrel", "pincushion")
INTENSITY = ("gamma", "contrast", "brightness", "clahe", "sharpening", "blur", "low_resolution", "noise", "cutout")
FLIPS = ("horizontal_flip", "vertical_flip", "right_angle")
TONES = ("gamma", "contrast", "brightness")
Batch = tuple[np.ndarray, ...]


def settings(*names: str, on_device: bool = False, online: bool = True, probability: float = 0.7) -> dict[str, Any]:
    """The default ranges, each operation named with one probability."""
    operations = {name: probability if name in FLIPS else {"probability": probability} for name in names}
    return {**Settings.model_validate(operations).model_dump(), "online": online, "on_device": on_device}


ALL = settings(*GEOMETRY, *INTENSITY, *FLIPS)


def disc(row: int, column: int, radius: float) -> np.ndarray:
    return drawn_shapes(HEIGHT, WIDTH, [Shape(Ellipse(column, row, radius, radius))])


def picture(number: int, dtype: type = np.uint8, channels: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Noise around a bright disc, and the classes of the disc and of a bar."""
    rng = np.random.default_rng(number)
    mask = 3 * disc(rng.integers(10, 22), rng.integers(10, 38), 6)
    mask[2, 4:9] = 1
    shape = (HEIGHT, WIDTH) if channels == 1 else (HEIGHT, WIDTH, channels)
    bright = (mask if channels == 1 else mask[..., None]) > 0
    return ((rng.uniform(0.1, 0.5, shape) + 0.4 * bright) * np.iinfo(dtype).max).astype(dtype), mask


def record(number: int, dtype: type = np.uint8, channels: int = 1) -> Record:
    name = f"r{number}"
    return Record(*picture(number, dtype, channels), name, name, f"{name}.png", b"\0" * 32, {})


def write(file: Path, records: list[Record]) -> list[str]:
    with tf.io.TFRecordWriter(str(file)) as writer:
        for each in records:
            writer.write(serialize(each))
    return [str(file)]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    return write(tmp_path_factory.mktemp("records") / "train", [record(number) for number in range(COUNT)])


def data(
    files: list[str],
    augmentation: dict[str, Any] | None,
    patch: dict[str, Any] | None = None,
    seed: int = 1,
    workers: int = 2,
    channels: int = 1,
) -> TrainingData:
    augmentation = {**augmentation, "seed": seed} if augmentation else None
    changes = EpochChanges(seed, augmentation, patch)
    return TrainingData(files, (HEIGHT, WIDTH, channels), BATCH, seed, changes, workers)


def taken(dataset: tf.data.Dataset, steps: int = STEPS) -> list[Batch]:
    return list(dataset.take(steps).as_numpy_iterator())


def assert_same(some: list[Batch], others: list[Batch]) -> None:
    for one, other in zip(some, others, strict=True):
        for left, right in zip(one, other, strict=True):
            np.testing.assert_array_equal(left, right)


def differ(some: list[Batch], others: list[Batch]) -> bool:
    return any(not np.array_equal(one[0], other[0]) for one, other in zip(some, others, strict=True))


@pytest.fixture(params=["in memory", "streamed"])
def path(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "streamed":
        monkeypatch.setattr(batches, "CACHE_BYTES", 0)


@pytest.mark.usefixtures("path")
class TestDraws:
    @pytest.mark.parametrize("patch", [None, PATCH], ids=["whole", "patches"])
    def test_two_workers_make_the_batches_of_one_bit_for_bit(self, files: list[str], patch: dict[str, Any]) -> None:
        one, two = (taken(data(files, ALL, patch, workers=workers).batches(), 3 * STEPS) for workers in (1, 2))
        assert_same(one, two)

    def test_a_sample_that_takes_longer_keeps_its_place(self, files: list[str]) -> None:
        class Uneven(EpochChanges):
            def _changed(self, *record: Any) -> tuple[np.ndarray, ...]:
                time.sleep(0.1 * (record[3] == b"r1"))
                return super()._changed(*record)

        one = data(files, ALL, workers=1)
        several = TrainingData(files, (HEIGHT, WIDTH, 1), BATCH, 1, Uneven(1, {**ALL, "seed": 1}, None), workers=4)
        assert_same(taken(one.batches()), taken(several.batches()))

    def test_an_epoch_does_not_depend_on_those_before_it(self, files: list[str]) -> None:
        in_a_row = taken(data(files, ALL).batches(), 3 * STEPS)
        for number in (2, 0, 1):
            assert_same(taken(data(files, ALL).epoch(number)), in_a_row[number * STEPS : (number + 1) * STEPS])

    @pytest.mark.parametrize("device", [False, True])
    def test_batch_is_the_one_that_training_saw(self, files: list[str], device: bool) -> None:
        seen: list[Batch] = []

        class Watched(Trainee):
            def compute_loss(self, x: tf.Tensor, y: tf.Tensor, *_: Any, **__: Any) -> tf.Tensor:
                seen.append((x.numpy(), y.numpy()))
                return tf.constant(0.0)

        training = data(files, settings(*FLIPS, "elastic", "gamma", on_device=device))
        watched = Watched(build_model((HEIGHT, WIDTH, 1), MODEL), standardized=False)
        # Nothing is learnt: the optimizer would have no gradients.
        watched.trainable = False
        watched.compile(run_eagerly=True)
        watched.fit(training.batches(), epochs=3, steps_per_epoch=STEPS, verbose=0, shuffle=False)
        assert len(seen) == 3 * STEPS
        for position in (0, 2, 4, 8):
            assert_same([training.batch(*divmod(position, STEPS))], [seen[position]])


def test_each_epoch_and_each_seed_draws_anew(files: list[str]) -> None:
    by_epoch = [changed(ALL, number=0, epoch=epoch)[0] for epoch in range(4)]
    by_seed = [changed({**ALL, "seed": seed}, number=0)[0] for seed in range(1, 4)]
    images = [*by_epoch, *by_seed]
    for position, image in enumerate(images):
        assert not any(np.array_equal(image, other) for other in images[:position])


def changed(
    augmentation: dict[str, Any], number: int, epoch: int = 0, dtype: type = np.uint8, channels: int = 1
) -> tuple[np.ndarray, np.ndarray]:
    """What the pure function makes of a record."""
    rng = generator(augmentation["seed"], f"r{number}", 0, epoch)
    return augmented(*picture(number, dtype, channels), rng, augmentation)[:2]


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_training_sees_what_the_pure_function_makes(tmp_path: Path, dtype: type, channels: int) -> None:
    """At the record's own depth: 8 bit in 16 would have other curves, other noise and other rounding."""
    files = write(tmp_path / "train", [record(number, dtype, channels) for number in range(BATCH)])
    most = np.iinfo(dtype).max
    for epoch in (0, 5):
        ((images, masks),) = taken(data(files, ALL, channels=channels).epoch(epoch))
        expected = [changed({**ALL, "seed": 1}, number, epoch, dtype, channels) for number in range(BATCH)]
        found = {
            image.tobytes(): mask for image, mask in zip((images * most).round().astype(dtype), masks, strict=True)
        }
        for image, mask in expected:
            np.testing.assert_array_equal(found[image.tobytes()][..., 0], mask > 0)


def test_records_of_8_and_of_16_bit_may_be_mixed(tmp_path: Path) -> None:
    kinds = [np.uint8, np.uint16, np.uint8]
    files = write(tmp_path / "train", [record(number, dtype) for number, dtype in enumerate(kinds)])
    ((images, _),) = taken(data(files, ALL).epoch(0))
    found = {image.tobytes() for image in (images * 65535).round().astype(np.uint16)}
    for number, dtype in enumerate(kinds):
        image, _ = changed({**ALL, "seed": 1}, number, dtype=dtype)
        assert (image.astype(np.uint16) * (65535 // np.iinfo(dtype).max)).tobytes() in found


def test_masks_keep_to_their_classes_and_to_their_images() -> None:
    warps = settings(*GEOMETRY, *FLIPS, probability=1.0)
    changes = EpochChanges(0, warps, None)
    places = np.random.default_rng(0).integers((12, 14), (20, 34), (20, 2))
    masks = np.stack([3 * disc(row, column, 5) for row, column in places])[..., None]
    images = (masks > 0).astype(np.uint16) * 65535
    names = [f"r{number}" for number in range(20)]
    records = tf.data.Dataset.from_tensor_slices((images, masks, [True] * 20, names))
    for image, classes in records.map(partial(changes, epoch=3)).as_numpy_iterator():
        assert set(np.unique(classes)) == {0, 3}
        shift = np.subtract(*(center_of_mass(pixels[..., 0].astype(float)) for pixels in (image, classes)))
        assert np.hypot(*shift) < 0.5


def test_data_that_are_evaluated_are_never_augmented(files: list[str]) -> None:
    training = data(files, ALL, PATCH)
    taken(training.batches(), STEPS)
    validation = evaluation_batches(files, (HEIGHT, WIDTH, 1), BATCH)
    for dataset in (training.in_order(), validation):
        images, masks = (np.concatenate(part) for part in zip(*taken(dataset), strict=True))
        for number in range(COUNT):
            image, mask = picture(number)
            np.testing.assert_array_equal((images[number, ..., 0] * 255).round(), image)
            np.testing.assert_array_equal(masks[number, ..., 0], mask > 0)


def test_memory_does_not_grow_with_the_epochs(files: list[str]) -> None:
    training = data(files, ALL, PATCH).batches()

    def after(epochs: int) -> int:
        for _ in training.take(epochs * STEPS):
            pass
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        early = after(10)
        growth = after(60) - early
    finally:
        tracemalloc.stop()
    # Of what is made for a record in an epoch, not even the random numbers' generator may stay.
    assert growth < 60 * COUNT * 300


class TestPatches:
    def test_a_patch_has_the_values_of_the_same_pixels_in_the_whole(self, files: list[str]) -> None:
        """Were it standardised by its own moments, it would look brighter or darker than in the whole record."""
        training = data(files, None, PATCH)
        places = set()
        for epoch in range(3):
            images, masks = (np.concatenate(part) for part in zip(*taken(training.epoch(epoch)), strict=True))
            assert images.shape == (COUNT, 8, 12, 1)
            assert masks.shape == (COUNT, 8, 12, 1)
            found = []
            for number in range(COUNT):
                image, mask = picture(number)
                corner = patch_corner(mask, generator(1, f"r{number}", 0, epoch), PATCH)
                whole = Standardize()(image[None, ..., None] / np.float32(255)).numpy()[0]
                window = tuple(slice(begin, begin + side) for begin, side in zip(corner, (8, 12), strict=True))
                (match,) = (i for i in range(COUNT) if np.allclose(images[i], whole[window], atol=1e-5))
                np.testing.assert_array_equal(masks[match, ..., 0], mask[window] > 0)
                found.append(match)
                places.add(tuple(corner))
            assert sorted(found) == list(range(COUNT))
        assert len(places) > 2 * COUNT

    def test_patches_are_cut_from_what_was_augmented(self, files: list[str]) -> None:
        whole_size = {"height": HEIGHT, "width": WIDTH, "foreground_share": 0.5}
        whole, patches = (taken(data(files, ALL, patch).epoch(1)) for patch in (None, whole_size))
        for (images, masks), (standardized, classes) in zip(whole, patches, strict=True):
            np.testing.assert_allclose(standardized, Standardize()(images), atol=1e-4)
            np.testing.assert_array_equal(classes, masks)

    @given(st.integers(0, 31), st.integers(0, 47), st.integers(1, 32), st.integers(1, 48), st.integers(0, 10**6))
    def test_a_window_around_foreground_holds_it(
        self, row: int, column: int, height: int, width: int, seed: int
    ) -> None:
        mask = np.zeros((HEIGHT, WIDTH), np.uint8)
        mask[row, column] = 2
        patch = {"height": height, "width": width, "foreground_share": 1.0}
        top, left = patch_corner(mask, np.random.default_rng(seed), patch)
        assert 0 <= top <= row < top + height <= HEIGHT
        assert 0 <= left <= column < left + width <= WIDTH
        for begin, pixel, side, room in ((top, row, height, HEIGHT - height), (left, column, width, WIDTH - width)):
            assert begin in (0, room) or side // 4 <= pixel - begin < 3 * side / 4

    @pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
    def test_the_share_of_windows_around_foreground_is_the_stated_one(self, share: float) -> None:
        mask = np.zeros((400, 400), np.uint8)
        mask[200, 200] = 1
        patch = {"height": 16, "width": 16, "foreground_share": share}
        rng = np.random.default_rng(0)
        corners = np.array([patch_corner(mask, rng, patch) for _ in range(2000)])
        around = ((corners <= 200) & (corners + 16 > 200)).all(axis=1).mean()
        # One window of a thousand that lies anywhere holds the pixel too.
        assert around == pytest.approx(share, abs=0.03)

    def test_windows_lie_anywhere_where_nothing_is_foreground(self) -> None:
        rng, patch = np.random.default_rng(0), {"height": 30, "width": 47, "foreground_share": 1.0}
        empty = np.zeros((HEIGHT, WIDTH), np.uint8)
        corners = {tuple(patch_corner(empty, rng, patch).tolist()) for _ in range(200)}
        assert corners == {(row, column) for row in range(3) for column in range(2)}

    def test_each_lesion_pixel_is_as_likely_as_the_others(self) -> None:
        mask = np.zeros((100, 100), np.uint8)
        mask[20, 20], mask[80, 70:73] = 1, 2
        rng, patch = np.random.default_rng(0), {"height": 10, "width": 10, "foreground_share": 1.0}
        at_the_small = np.mean([patch_corner(mask, rng, patch)[0] < 40 for _ in range(2000)])
        assert at_the_small == pytest.approx(0.25, abs=0.03)


class TestOnDevice:
    @pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
    @pytest.mark.parametrize(
        "names",
        [
            ("horizontal_flip", "vertical_flip", *TONES),
            (*FLIPS, *TONES),
            *((*FLIPS, *TONES, name) for name in (*GEOMETRY, *INTENSITY) if name not in TONES),
            (*FLIPS, *GEOMETRY, *INTENSITY),
        ],
        ids=lambda names: f"{len(names)}-{names[-1]}",
    )
    def test_pipeline_and_device_together_do_what_the_pipeline_does_alone(
        self, names: tuple[str, ...], dtype: type
    ) -> None:
        """In the same order: tones before CLAHE, noise or cut-outs, flips before what moves pixels otherwise."""
        chosen, top = settings(*names, on_device=True, probability=0.4), np.iinfo(dtype).max
        shares = set()
        for number in range(25):
            image, mask = picture(number, dtype)
            drawn = draw(np.random.default_rng(number), chosen, image.shape)
            rest, draws = without_device_share(drawn)
            expected_image, expected_mask = drawn.apply(image, mask)
            image, mask = rest.apply(image, mask)
            images, masks = change_on_device(
                *(tf.constant(pixels[None, ..., None], tf.float32) for pixels in (image / top, mask)), draws[None]
            )
            # What the device does not do is to round to whole levels.
            np.testing.assert_allclose(images[0, ..., 0] * top, expected_image, atol=0.51, rtol=1e-6)
            np.testing.assert_array_equal(masks[0, ..., 0], expected_mask)
            shares.add(tuple(draws))
        assert len(shares) > 1

    def test_all_that_it_can_do_is_left_to_it_where_nothing_else_was_drawn(self) -> None:
        shared = settings("horizontal_flip", "vertical_flip", *TONES, on_device=True)
        flips = set()
        for number in range(20):
            image, mask = picture(number)
            rest, draws = without_device_share(draw(np.random.default_rng(number), shared, image.shape))
            np.testing.assert_array_equal(rest.apply(image, mask), (image, mask))
            flips.add(tuple(draws[:2]))
        assert len(flips) == 4

    def test_a_flip_that_stays_behind_leaves_the_tones_to_it(self) -> None:
        drawn = Augmentation(Warp(horizontal_flip=True, degrees=5), Intensity(gamma=2, contrast=0.5, brightness=0.25))
        rest, draws = without_device_share(drawn)
        assert rest == Augmentation(drawn.warp, Intensity())
        assert draws.tolist() == [0, 0, 2, 0.5, 0.25]

    def test_each_image_of_a_batch_has_its_own_draws(self) -> None:
        pairs = [picture(number) for number in range(3)]
        images = np.stack([image for image, _ in pairs])[..., None] / np.float32(255)
        masks = np.stack([mask for _, mask in pairs])[..., None].astype(np.float32)
        draws = np.array([[0, 0, 1, 1, 0], [1, 0, 2, 1, 0], [0, 1, 1, 0.5, 0.25]], np.float32)
        changed_images, changed_masks = change_on_device(images, masks, draws)
        np.testing.assert_array_equal(changed_images[0], images[0])
        np.testing.assert_allclose(changed_images[1], images[1, :, ::-1] ** 2, atol=1e-6)
        np.testing.assert_allclose(changed_images[2], images[2, ::-1] / 2 + 0.25, atol=1e-6)
        np.testing.assert_array_equal(changed_masks, [masks[0], masks[1, :, ::-1], masks[2, ::-1]])

    def test_the_pipeline_does_the_rest(self, files: list[str]) -> None:
        both = settings(*GEOMETRY, *FLIPS, "noise", "gamma", on_device=True)
        (images, masks, draws), *_ = taken(data(files, both).epoch(0))
        found = {image.tobytes(): (mask, numbers) for image, mask, numbers in zip(images, masks, draws, strict=True)}
        for number in range(COUNT):
            rng = generator(1, f"r{number}", 0, 0)
            image, mask = picture(number)
            rest, expected = without_device_share(draw(rng, both, image.shape))
            image, mask = rest.apply(image, mask)
            key = (tf.cast(image[..., None] * np.uint16(257), tf.float32) / 65535.0).numpy().tobytes()
            if key in found:
                np.testing.assert_array_equal(found[key][0][..., 0], mask > 0)
                np.testing.assert_array_equal(found[key][1], expected)
                found.pop(key)
        assert not found

    def test_without_online_the_pipeline_leaves_records_as_they_are(self, files: list[str]) -> None:
        drawn = taken(data(files, settings("horizontal_flip", *TONES, on_device=True, online=False)).epoch(0))
        plain = taken(TrainingData(files, (HEIGHT, WIDTH, 1), BATCH, seed=1).epoch(0))
        assert_same([batch[:2] for batch in drawn], plain)
        assert {len(set(map(tuple, batch[2]))) for batch in drawn} != {1}


def network(any_size: bool = False) -> keras.Model:
    keras.utils.set_random_seed(3)
    model = build_model((HEIGHT, WIDTH, 1), MODEL, any_size=any_size)
    compile_model(model, TRAINING, 0.5)
    # Graphs of single steps cost more than they save.
    model.run_eagerly = True
    return model


def trainee_of(model: keras.Model, standardized: bool) -> Trainee:
    trainee = Trainee(model, standardized)
    trainee.compile(model.optimizer, model.loss, run_eagerly=True)
    return trainee


class TestTrainee:
    def batches(self) -> tuple[np.ndarray, np.ndarray]:
        images, masks = zip(*(picture(number) for number in range(4)), strict=True)
        return np.stack(images)[..., None] / np.float32(255), (np.stack(masks)[..., None] > 0).astype(np.float32)

    def fitted(self, dataset: tf.data.Dataset, kind: str) -> list[np.ndarray]:
        model = network(any_size=kind == "patches")
        fitted = model if kind == "model" else trainee_of(model, kind == "patches")
        before = model.get_weights()
        fitted.fit(dataset, verbose=0, shuffle=False)
        assert any(not np.array_equal(one, other) for one, other in zip(before, model.get_weights(), strict=True))
        return model.get_weights()

    def test_it_trains_the_weights_of_the_model_on_what_the_device_changed(self) -> None:
        images, masks = self.batches()
        draws = np.array([[1, 0, 1.5, 0.8, 0.1]] * 4, np.float32)
        there = tuple(pixels.numpy() for pixels in change_on_device(images, masks, draws))
        by_hand = self.fitted(tf.data.Dataset.from_tensors(there), "model")
        by_device = self.fitted(tf.data.Dataset.from_tensors((images, masks, draws)), "device")
        for one, other in zip(by_hand, by_device, strict=True):
            np.testing.assert_allclose(one, other, atol=1e-6)

    def test_patches_that_are_whole_records_train_like_records(self) -> None:
        images, masks = self.batches()
        plain = self.fitted(tf.data.Dataset.from_tensors((images, masks)), "model")
        patches = self.fitted(tf.data.Dataset.from_tensors((Standardize()(images), masks)), "patches")
        for one, other in zip(plain, patches, strict=True):
            np.testing.assert_allclose(one, other, atol=1e-4)

    @pytest.mark.parametrize("standardized", [False, True])
    def test_validation_is_that_of_the_model(self, standardized: bool) -> None:
        model = network(any_size=True)
        images, masks = self.batches()
        validation = tf.data.Dataset.from_tensors((images, masks))
        expected = model.evaluate(validation, verbose=0)[0]
        trainee = trainee_of(model, standardized)
        draws = np.array([[1, 1, 2, 0.5, 0.2]] * 4, np.float32)
        training = tf.data.Dataset.from_tensors((images, masks) if standardized else (images, masks, draws))
        model.optimizer.learning_rate = 0.0
        history = trainee.fit(training, validation_data=validation, verbose=0, shuffle=False).history
        assert history["val_loss"] == [pytest.approx(expected, abs=1e-6)]
        assert history["loss"] != history["val_loss"]

    def test_the_model_is_left_without_a_trace_of_it(self, tmp_path: Path) -> None:
        model = network(any_size=True)
        images, masks = self.batches()
        trainee = trainee_of(model, standardized=True)
        trainee.fit(tf.data.Dataset.from_tensors((images[:, :8, :12], masks[:, :8, :12])), verbose=0, shuffle=False)
        trainee.save_weights(tmp_path / "best.weights.h5")
        expected = model(images, training=False)
        model.set_weights([np.zeros_like(weight) for weight in model.get_weights()])
        trainee.load_weights(tmp_path / "best.weights.h5")
        model.save(tmp_path / "model.keras")
        loaded = keras.saving.load_model(tmp_path / "model.keras")
        assert loaded.input_shape == (None, HEIGHT, WIDTH, 1)
        assert loaded.output_shape == (None, HEIGHT, WIDTH, 1)
        np.testing.assert_allclose(loaded(images, training=False), expected, atol=1e-6)
        assert type(loaded) is type(model)
