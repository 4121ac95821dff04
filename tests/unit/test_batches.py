"""Every record once, in an order that the seed decides, with the values that were recorded."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from components.records.record import Record
from components.records.tfexample import serialize, shard_name
from components.trainer import batches
from components.trainer.batches import TrainingData, evaluation_batches

COUNT, BATCH = 11, 4
HEIGHT, WIDTH = 16, 24
SHAPE = (HEIGHT, WIDTH, 1)


def write_shards(folder: Path, records: list[Record], count: int = 1) -> list[str]:
    files = [str(folder / shard_name(index, count)) for index in range(count)]
    for index, file in enumerate(files):
        with tf.io.TFRecordWriter(file) as writer:
            for record in records[index::count]:
                writer.write(serialize(record))
    return files


def record(image: np.ndarray, mask: np.ndarray, name: str) -> Record:
    return Record(image, mask, name, name, f"{name}.png", b"\0" * 32, {})


def names(images: np.ndarray) -> list[int]:
    """The number of each record of a batch: its first pixel."""
    return (images[:, 0, 0, 0] * 255).round().astype(int).tolist()


def epoch(data: tf.data.Dataset) -> list[int]:
    return [name for images, _ in data.as_numpy_iterator() for name in names(images)]


@pytest.fixture(scope="module")
def records(disc_pair: Callable) -> list[Record]:
    numbered = []
    for number in range(COUNT):
        image, mask = disc_pair(HEIGHT, WIDTH, number)
        image[0, 0] = number
        numbered.append(record(image, mask, f"r{number:02d}"))
    return numbered


@pytest.fixture(scope="module")
def files(records: list[Record], tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    return write_shards(tmp_path_factory.mktemp("shards"), records, count=2)


@pytest.fixture(params=["in memory", "streamed"])
def path(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "streamed":
        monkeypatch.setattr(batches, "CACHE_BYTES", 0)


@pytest.mark.usefixtures("path")
class TestTrainingData:
    def test_every_record_once_per_epoch_and_the_last_batch_kept(self, files: list[str]) -> None:
        data = TrainingData(files, SHAPE, BATCH, seed=1)
        assert data.records == COUNT
        assert data.steps_per_epoch == 3
        for number in range(3):
            assert [len(images) for images, _ in data.epoch(number).as_numpy_iterator()] == [4, 4, 3]
            assert sorted(epoch(data.epoch(number))) == list(range(COUNT))

    def test_order_changes_with_epoch_and_seed_and_repeats_for_the_same_seed(self, files: list[str]) -> None:
        def orders(seed: int) -> list[list[int]]:
            data = TrainingData(files, SHAPE, BATCH, seed)
            return [epoch(data.epoch(number)) for number in range(3)]

        first = orders(seed=1)
        assert all(one != other for one, other in pairwise([*first, list(range(COUNT))]))
        assert orders(seed=1) == first
        assert orders(seed=2)[0] != first[0]

    @pytest.mark.parametrize("of_tensorflow", [0, 1])
    def test_the_order_is_the_same_whatever_the_seed_of_tensorflow(self, files: list[str], of_tensorflow: int) -> None:
        expected = epoch(TrainingData(files, SHAPE, BATCH, seed=0).epoch(2))
        tf.random.set_seed(of_tensorflow)
        data = TrainingData(files, SHAPE, BATCH, seed=0)
        assert epoch(data.batches().take(3 * data.steps_per_epoch))[2 * COUNT :] == expected

    def test_epochs_follow_each_other_without_end(self, files: list[str]) -> None:
        data = TrainingData(files, SHAPE, BATCH, seed=1)
        apart = [epoch(data.epoch(number)) for number in (3, 1, 0, 2)]
        in_a_row = epoch(data.batches().take(4 * data.steps_per_epoch))
        assert [*apart[2], *apart[1], *apart[3], *apart[0]] == in_a_row

    def test_batch_is_the_one_that_training_saw(self, files: list[str]) -> None:
        seen: list[list[int]] = []

        class Watched(keras.Model):
            def train_step(self, data: tuple[tf.Tensor, tf.Tensor]) -> dict[str, float]:
                seen.append(names(data[0].numpy()))
                return {"loss": 0.0}

        data = TrainingData(files, SHAPE, BATCH, seed=1)
        model = Watched()
        model.compile(loss="mse", run_eagerly=True)
        model.fit(data.batches(), epochs=5, steps_per_epoch=data.steps_per_epoch, verbose=0)
        assert len(seen) == 15
        for position in (0, 2, 4, 8, 10, 14):
            assert names(data.batch(*divmod(position, 3))[0]) == seen[position]

    def test_nothing_is_tuned_while_it_is_read(self, files: list[str]) -> None:
        """A thread that tunes may be waited for when the reading ends, however long it sleeps."""
        data = TrainingData(files, SHAPE, BATCH, seed=1)
        for read in (data.batches(), data.epoch(0), data.in_order(), evaluation_batches(files, SHAPE, BATCH)):
            assert read.options().autotune.enabled is False

    def test_images_stay_with_their_masks(self, files: list[str], records: list[Record]) -> None:
        for images, masks in TrainingData(files, SHAPE, BATCH, seed=1).epoch(0).as_numpy_iterator():
            for number, image, mask in zip(names(images), images, masks, strict=True):
                np.testing.assert_array_equal(mask[..., 0], records[number].mask)
                np.testing.assert_allclose(image[..., 0], records[number].image / 255, atol=1e-7)


def test_a_small_data_set_is_kept_in_memory_and_a_large_one_is_not(
    files: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The two paths shuffle different things, and must still hold the same records."""
    in_memory = TrainingData(files, SHAPE, BATCH, seed=1)
    monkeypatch.setattr(batches, "CACHE_BYTES", COUNT * HEIGHT * WIDTH * 3 - 1)
    streamed = TrainingData(files, SHAPE, BATCH, seed=1)
    for file in files:
        Path(file).rename(f"{file}.away")
    try:
        with pytest.raises(tf.errors.NotFoundError):
            epoch(streamed.epoch(0))
    finally:
        for file in files:
            Path(f"{file}.away").rename(file)
    assert sorted(epoch(streamed.epoch(0))) == sorted(epoch(in_memory.epoch(0)))


def test_a_data_set_in_memory_is_read_once(files: list[str]) -> None:
    data = TrainingData(files, SHAPE, BATCH, seed=1)
    training = data.batches().as_numpy_iterator()
    first = [next(training) for _ in range(data.steps_per_epoch)]
    for file in files:
        Path(file).rename(f"{file}.away")
    try:
        later = [next(training) for _ in range(4 * data.steps_per_epoch)]
    finally:
        for file in files:
            Path(f"{file}.away").rename(file)
    assert len(later) == 4 * len(first)


def test_evaluation_batches_come_in_the_order_of_the_files(files: list[str]) -> None:
    data = evaluation_batches(files[::-1], SHAPE, BATCH)
    assert [len(images) for images, _ in data.as_numpy_iterator()] == [4, 4, 3]
    in_order = [*range(0, COUNT, 2), *range(1, COUNT, 2)]
    assert epoch(data) == in_order
    assert epoch(data) == in_order


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_values_are_those_of_the_record(tmp_path: Path, dtype: type, channels: int) -> None:
    rng = np.random.default_rng(5)
    most = np.iinfo(dtype).max
    shape = (HEIGHT, WIDTH) if channels == 1 else (HEIGHT, WIDTH, 3)
    image = rng.integers(0, most, shape, dtype, endpoint=True)
    image[0, :2] = [[0], [most]] if channels == 3 else [0, most]
    mask = rng.integers(0, 3, (HEIGHT, WIDTH), np.uint8)
    files = write_shards(tmp_path, [record(image, mask, "one")])
    images, masks = next(evaluation_batches(files, (HEIGHT, WIDTH, channels), 1).as_numpy_iterator())
    assert images.dtype == masks.dtype == np.float32
    np.testing.assert_allclose(images[0], image.reshape(HEIGHT, WIDTH, channels) / most, atol=1e-7)
    assert images[0, 0, 0, 0] == 0
    assert images[0, 0, 1, 0] == 1
    np.testing.assert_array_equal(masks[0, ..., 0], mask)
