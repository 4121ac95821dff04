"""What the training step does of augmentation: together with the pipeline the same as the pipeline alone."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from epochs import (
    BATCH,
    COUNT,
    FLIPS,
    GEOMETRY,
    HEIGHT,
    INTENSITY,
    SHUFFLE_SEED,
    TONES,
    WIDTH,
    assert_same,
    data,
    picture,
    settings,
    taken,
    write_records,
)

from components.imaging.augmentation.augment import AugmentationDraw, draw, generator
from components.imaging.augmentation.intensity import Intensity
from components.imaging.augmentation.warp import Warp
from components.trainer.augmentation import change_on_device, without_device_share
from components.trainer.batches import TrainingData


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    return write_records(tmp_path_factory.mktemp("records"))


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
        expected, left = [], []
        for number in range(25):
            image, mask = picture(number, dtype)
            drawn = draw(np.random.default_rng(number), chosen, image.shape)
            rest, draws = without_device_share(drawn)
            expected.append(drawn.apply(image, mask))
            left.append((*rest.apply(image, mask), draws))
        images, masks, draws = (np.stack(part) for part in zip(*left, strict=True))
        pair = (tf.constant(pixels[..., None], tf.float32) for pixels in (images / top, masks))
        for image, mask, (expected_image, expected_mask) in zip(*change_on_device(*pair, draws), expected, strict=True):
            # What the device does not do is to round to whole levels.
            np.testing.assert_allclose(image[..., 0] * top, expected_image, atol=0.51, rtol=1e-6)
            np.testing.assert_array_equal(mask[..., 0], expected_mask)
        assert len(set(map(tuple, draws))) > 1

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
        drawn = AugmentationDraw(
            Warp(horizontal_flip=True, degrees=5), Intensity(gamma=2, contrast=0.5, brightness=0.25)
        )
        rest, draws = without_device_share(drawn)
        assert rest == AugmentationDraw(drawn.warp, Intensity())
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
                np.testing.assert_array_equal(found[key][0][..., 0], mask)
                np.testing.assert_array_equal(found[key][1], expected)
                found.pop(key)
        assert not found

    def test_without_online_the_pipeline_leaves_records_as_they_are(self, files: list[str]) -> None:
        drawn = taken(data(files, settings("horizontal_flip", *TONES, on_device=True, online=False)).epoch(0))
        plain = taken(TrainingData(files, (HEIGHT, WIDTH, 1), BATCH, SHUFFLE_SEED).epoch(0))
        assert_same([batch[:2] for batch in drawn], plain)
        assert {len(set(map(tuple, batch[2]))) for batch in drawn} != {1}
