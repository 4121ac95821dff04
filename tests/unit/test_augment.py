"""Joint augmentation: what a draw depends on, that image and mask stay together, and that its numbers rebuild it."""

from __future__ import annotations

import json
import random
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import cv2
import numpy as np
import pytest
from discs import disc_mask, dots
from scipy.ndimage import center_of_mass

from components.imaging.augmentation.augment import AugmentationDraw, augmented, draw, generator
from components.imaging.augmentation.intensity import Intensity
from components.imaging.augmentation.operations import Cutout, Displacement, Noise, Operation, Pincushion, Zoom
from components.imaging.augmentation.settings import Augmentation
from components.imaging.augmentation.warp import Warp

GEOMETRY = ("rotation", "zoom", "shear", "elastic", "distortion", "barrel", "pincushion")
INTENSITY = ("gamma", "contrast", "brightness", "clahe", "sharpening", "blur", "low_resolution", "noise", "cutout")
FLIPS = ("horizontal_flip", "vertical_flip", "right_angle")


def settings(
    probability: float = 1.0, only: tuple[str, ...] = (*GEOMETRY, *INTENSITY, *FLIPS), **changed: Any
) -> Augmentation:
    """The default ranges, each operation named with one probability; then what is changed."""
    tables = {name: {"probability": probability} for name in only if name not in FLIPS}
    flips = {name: probability for name in only if name in FLIPS}
    return Augmentation.model_validate({**tables, **flips, **changed})


def textured(shape: tuple[int, ...], dtype: type) -> np.ndarray:
    noise = cv2.GaussianBlur(np.random.default_rng(0).normal(size=shape[:2]), (0, 0), 3)
    levels = np.interp(noise, (noise.min(), noise.max()), (0.1, 0.9)) * np.iinfo(dtype).max
    return np.broadcast_to(levels.reshape(*shape[:2], *[1 for _ in shape[2:]]), shape).astype(dtype)


def test_every_operation_of_the_config_is_tested_here() -> None:
    tables = {name for name, field in Augmentation() if isinstance(field, Operation)}
    assert tables == {*GEOMETRY, *INTENSITY}


@pytest.mark.parametrize(
    "other",
    [(2, "case", 1, 0), (1, "case", 2, 0), (1, "case2", 1, 0), (1, "case", 1, 1)],
    ids=["seed", "copy", "id", "epoch"],
)
def test_another_seed_copy_id_or_epoch_draws_anew(other: tuple[int, str, int, int]) -> None:
    assert generator(*other).random() != generator(1, "case", 1).random()


def test_no_two_numbers_run_together() -> None:
    keys = [(1, "1", 11, 1), (1, "11", 1, 1), (11, "1", 1, 1), (1, "1", 1, 11), (1, "1/1", 1, 1), (1, "1/1/1", 1, 1)]
    assert len({generator(*key).random() for key in keys}) == len(keys)


def test_a_golden_draw() -> None:
    """A changed rule would silently change every augmented data set of the same seed."""
    # First number of numpy's default generator, seeded with the SHA-256 of "1/2/3/case" (seed, epoch, copy, id).
    digest = "5b94caa40a3b04fcb30b66d339f62592bd7d905a1ffd76cdaebca3196b9140d3"
    assert generator(1, "case", 3, epoch=2).random() == np.random.default_rng(int(digest, 16)).random()


def test_draws_depend_on_their_key_alone() -> None:
    """Whatever the order and the threads: each draw has its own generator and its own fields."""
    image, mask = textured((48, 48), np.uint8), dots(48, 48)
    keys = [(f"case{number}", copy, epoch) for number in range(5) for copy in range(2) for epoch in range(2)]

    def made(key: tuple[str, int, int]) -> bytes:
        warped, classes, parameters = augmented(image, mask, generator(7, *key), settings(0.5))
        return warped.tobytes() + classes.tobytes() + json.dumps(parameters).encode()

    expected = {key: made(key) for key in keys}
    assert len(set(expected.values())) == len(keys)
    random.Random(0).shuffle(keys)
    with ThreadPoolExecutor(4) as pool:
        assert dict(zip(keys, pool.map(made, keys), strict=True)) == expected


def test_without_probabilities_the_pair_stays_as_it_is() -> None:
    image, mask = textured((40, 50, 3), np.uint8), dots(40, 50)
    same, classes, parameters = augmented(image, mask, np.random.default_rng(0), settings(0))
    np.testing.assert_array_equal(same, image)
    np.testing.assert_array_equal(classes, mask)
    assert AugmentationDraw.from_json(parameters) == AugmentationDraw(Warp(), Intensity())


@pytest.mark.parametrize("shape", [(64, 64), (50, 70), (64, 64, 3), (50, 70, 1)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_parameters_rebuild_the_copy_bit_for_bit(shape: tuple[int, ...], dtype: type) -> None:
    image, mask = textured(shape, dtype), dots(*shape[:2])
    for seed in range(6):
        warped, classes, parameters = augmented(image, mask, np.random.default_rng(seed), settings(0.7))
        again = AugmentationDraw.from_json(json.loads(json.dumps(parameters)))
        rebuilt, same = again.apply(image, mask)
        assert rebuilt.tobytes() == warped.tobytes()
        assert same.tobytes() == classes.tobytes()
        assert (warped.shape, warped.dtype, classes.shape, classes.dtype) == (shape, dtype, shape[:2], np.uint8)


def test_parameters_tell_what_is_left_of_fields_that_could_fold() -> None:
    image, mask = textured((96, 128), np.uint8), dots(96, 128)
    strong = settings(only=(), elastic=Displacement(probability=1.0, amplitude=[0.2, 0.2], grid=8))
    scales = []
    for chosen in (strong, settings(only=("elastic",)), settings(only=("rotation",))):
        *_, parameters = augmented(image, mask, np.random.default_rng(0), chosen)
        scales.append(json.loads(json.dumps(parameters))["field_scale"])
        assert scales[-1] == Warp.from_json(parameters["warp"]).field_scale(96, 128)
    assert 0 < scales[0] < 0.2
    assert scales[1:] == [1.0, 1.0]


def test_every_operation_changes_the_image() -> None:
    image, mask = textured((192, 192, 3), np.uint8), dots(192, 192)
    for name in (*GEOMETRY, *INTENSITY, *FLIPS):
        changed, *_ = augmented(image, mask, np.random.default_rng(0), settings(only=(name,)))
        assert not np.array_equal(changed, image), name


@pytest.mark.parametrize("name", INTENSITY)
def test_a_change_of_values_leaves_the_mask_alone(name: str) -> None:
    """Defect D4 of older systems: brightening and sharpening were done to masks too; 10 added to a mask made foreground
    of all background."""
    image, mask = textured((64, 64), np.uint8), dots(64, 64)
    _, same, _ = augmented(image, mask, np.random.default_rng(0), settings(only=(name,)))
    np.testing.assert_array_equal(same, mask)


def test_each_copy_has_one_lens_on_the_source_itself() -> None:
    """Defect D6 of older systems: the copy for each centre was made of the copy for the centre before it."""
    image, mask = textured((64, 64), np.uint8), dots(64, 64)
    for copy in range(1, 6):
        rng = generator(1, "case", copy)
        warped, classes, parameters = augmented(image, mask, rng, settings(only=("barrel",)))
        (lens,) = Warp.from_json(parameters["warp"]).lenses
        rows, columns = np.indices((64, 64), np.float32)
        lens.bend(columns, rows, 64, 64)
        np.testing.assert_allclose(warped, cv2.remap(image, columns, rows, cv2.INTER_LINEAR), atol=1)
        assert (classes == cv2.remap(mask, columns, rows, cv2.INTER_NEAREST)).mean() > 0.995


def test_values_change_after_the_pixels_have_moved() -> None:
    """Noise that was interpolated would be weaker than it is stated, and cut-outs would be turned."""
    image, mask = np.full((64, 64), 120, np.uint8), np.zeros((64, 64), np.uint8)
    both = settings(only=("rotation",), noise=Noise(probability=1.0, sigma=[0.05, 0.05]), border="edge")
    noisy, *_ = augmented(image, mask, np.random.default_rng(0), both)
    assert noisy.std() == pytest.approx(0.05 * 255, rel=0.05)


@pytest.mark.parametrize("seed", range(12))
def test_image_and_mask_stay_registered_under_all_operations_together(seed: int) -> None:
    """The image is the mask's foreground: every whole dot has its centre in both at one place, to half a pixel.

    Defect D3 of older systems: two random fields for image and mask put them 3 to 5 pixels of 512 apart.
    """
    classes = dots(196, 224)
    image = np.where(classes > 0, 50000, 8000).astype(np.uint16)
    # What changes values must not hide the dots: their outline is looked for.
    chosen = settings(0.6, noise=Noise(probability=0.6, sigma=[0.0, 0.01]), cutout=Cutout(probability=0.0))
    placed, moved, parameters = augmented(image, classes, np.random.default_rng(seed), chosen)
    warp = Warp.from_json(parameters["warp"])
    compared = 0
    for number in range(1, classes.max() + 1):
        mask = np.uint8(moved == number)
        near = cv2.dilate(mask, np.ones((7, 7), np.uint8)) * ((moved == number) | (moved == 0))
        if not mask.any() or near[[0, 1, -2, -1]].any() or near[:, [0, 1, -2, -1]].any():
            continue
        values = placed.astype(float)
        background = np.median(values[(near > 0) & (mask == 0)])
        weights = np.clip(values - background, 0, None) * near
        centres = np.array([center_of_mass(weights), center_of_mass(mask)])
        bright, dark = np.transpose(warp.to_source(*centres.T, *classes.shape))
        assert np.abs(bright - dark).max() < 0.5
        compared += 1
    assert compared > 5


def test_masks_gain_no_value() -> None:
    values = np.array([0, 1, 2, 5, 200], np.uint8)
    mask = cv2.resize(np.random.default_rng(0).choice(values, (12, 12)), (96, 96), interpolation=cv2.INTER_NEAREST)
    for seed in range(20):
        _, moved, _ = augmented(textured((96, 96), np.uint8), mask, np.random.default_rng(seed), settings(0.7))
        assert set(np.unique(moved)) <= set(values)


def test_one_operation_leaves_the_draws_of_the_others() -> None:
    """Of warps and of intensities alike: the two halves of a draw do not shift one another."""
    everything = settings()
    for name in (*GEOMETRY, *INTENSITY):
        less = settings(**{name: {"probability": 0.0}})
        one, other = (draw(np.random.default_rng(3), chosen, (64, 64)) for chosen in (everything, less))
        assert (one.warp == other.warp) == (name in INTENSITY)
        assert (one.intensity == other.intensity) == (name in GEOMETRY)


@pytest.mark.parametrize(
    "stronger",
    [
        {},
        {"pincushion": Pincushion(probability=1.0, amount=[0.9, 0.9], centre=[0.5, 0.5])},
        {"zoom": Zoom(probability=1.0, factor=[0.1, 0.6])},
    ],
    ids=["defaults", "pincushion", "zoom"],
)
def test_no_lesion_is_lost_under_all_moves_together(stronger: dict[str, Any]) -> None:
    chosen = settings(only=(*GEOMETRY, *FLIPS), **stronger)
    mask = disc_mask(96, 96, 47.5, 47.5, 2)
    lost_at_first = 0
    for seed in range(100):
        image, classes, parameters = augmented(200 * mask, mask, np.random.default_rng(seed), chosen)
        assert classes.any()
        rebuilt, same = AugmentationDraw.from_json(parameters).apply(200 * mask, mask)
        assert (rebuilt.tobytes(), same.tobytes()) == (image.tobytes(), classes.tobytes())
        first = draw(np.random.default_rng(seed), chosen, mask.shape)
        kept = first.apply(mask, mask)[1].any()
        assert not kept or parameters == {**first.as_json(), "field_scale": parameters["field_scale"]}
        lost_at_first += not kept
    assert not stronger or 5 < lost_at_first < 100


def test_where_every_draw_would_lose_the_lesion_nothing_is_moved() -> None:
    chosen = settings(only=("noise",), zoom=Zoom(probability=1.0, factor=[0.1, 0.1]))
    for row in (20, 22, 24):
        mask = disc_mask(96, 96, row, 30, 2)
        image = textured((96, 96), np.uint8)
        changed, classes, parameters = augmented(image, mask, np.random.default_rng(row), chosen)
        if Warp.from_json(parameters["warp"]) == Warp():
            np.testing.assert_array_equal(classes, mask)
            assert not np.array_equal(changed, image)
            break
    else:
        pytest.fail("no lesion was lost in four draws")


def test_a_mask_without_foreground_takes_the_first_draw() -> None:
    chosen, empty = settings(0.7), np.zeros((64, 64), np.uint8)
    for seed in range(5):
        *_, parameters = augmented(textured((64, 64), np.uint8), empty, np.random.default_rng(seed), chosen)
        first = draw(np.random.default_rng(seed), chosen, empty.shape)
        assert AugmentationDraw.from_json(parameters) == first
