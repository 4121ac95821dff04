"""The exported graph's preprocessing against the NumPy code by which records are made."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import keras
import numpy as np
import pytest
import tensorflow as tf

from components.imaging.adjust import Adjust, adjust
from components.imaging.files.codecs import decode_image, encode_png, with_channels
from components.imaging.geometry.placement import FITS, Placement
from components.imaging.geometry.tiles import tile_placements
from components.imaging.truth.shapes import Ellipse, Shape, rasterized
from components.inference.operating_point import OperatingPoint
from components.records.settings import Derivation, Tiles
from components.serving_graph.export import export_model
from components.serving_graph.preprocessing import (
    Standardize,
    decode_any,
    decode_record_image,
    grid_of,
    predict_image,
)
from components.task import Task

SIZES = [(32, 48), (64, 96), (96, 96), (101, 37), (33, 77), (31, 64), (16, 9), (7, 5), (9, 20), (32, 20), (20, 48)]
"""Down, up and unchanged; odd, tall, wide."""


def pixels_of(height: int, width: int, channels: int, dtype: type) -> np.ndarray:
    """Smooth shapes with noise, over the whole range of the type."""
    rng = np.random.default_rng(height * width)
    coarse = cv2.resize(rng.random((4, 4, channels)), (width, height)).reshape(height, width, channels)
    noisy = 0.8 * coarse + 0.2 * rng.random((height, width, channels))
    pixels = (noisy * np.iinfo(dtype).max).astype(dtype)
    return pixels[..., 0] if channels == 1 else pixels


def as_float(pixels: np.ndarray) -> np.ndarray:
    scaled = pixels.astype(np.float32) / np.iinfo(pixels.dtype).max
    return scaled[..., None] if scaled.ndim == 2 else scaled


def data(fit: str = "letterbox", tiles: tuple[int, str] | None = None) -> Derivation:
    """What the graph reads of `[data]`; tiles as (overlap, edge). The size comes with the call."""
    cut = tiles and Tiles(overlap=tiles[0], edge=tiles[1])
    return Derivation(height=256, width=256, fit=fit, tiles=cut, adjust=HALF)


HALF = Adjust(contrast=0.5)


def placements(height: int, width: int, target: tuple[int, int], settings: Derivation) -> list[Placement]:
    """As example generation places an image."""
    if settings.tiles:
        return tile_placements(height, width, *target, settings.tiles.overlap, settings.tiles.edge)
    return [FITS[settings.fit](height, width, *target)]


def windows_of(image: np.ndarray, target: tuple[int, int], settings: Derivation) -> list[np.ndarray]:
    """What the model is shown of an image, in batches."""
    seen = []

    def predict(windows: tf.Tensor, _: tf.Tensor | None) -> tf.Tensor:
        seen.append(windows.numpy())
        return windows[..., :1]

    predict_image(predict, tf.constant(image), *target, 1, settings)
    return seen


def answered(
    answer: Callable[[tf.Tensor], tf.Tensor], image: np.ndarray, height: int, width: int, settings: Derivation
) -> np.ndarray:
    """`predict_image` by a model that looks at the windows alone."""
    return predict_image(lambda windows, _: answer(windows), tf.constant(image), height, width, 1, settings).numpy()


class Identity(keras.Model):
    """Its answer is what it sees."""

    def __init__(self) -> None:
        super().__init__()
        self.built = True

    def call(self, inputs: Any, training: bool = False) -> tf.Tensor:
        return inputs[0] if isinstance(inputs, tuple) else inputs


EDGES = ("overlap", "pad", "stretch")
DERIVATIONS = [
    pytest.param(data(), id="letterbox"),
    pytest.param(data("stretch"), id="stretch"),
    pytest.param(data("crop"), id="crop"),
    *(pytest.param(data(tiles=(7, edge)), id=f"tiles, {edge}") for edge in EDGES),
]


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("dtype", "grey_levels"), [(np.uint8, 1.0), (np.uint16, 0.01)])
@pytest.mark.parametrize("settings", DERIVATIONS)
@pytest.mark.parametrize(("height", "width"), SIZES)
def test_the_model_sees_what_the_records_hold(
    height: int, width: int, settings: Derivation, channels: int, dtype: type, grey_levels: float
) -> None:
    """`grey_levels` of 255: records are rounded to their type, the graph's floats are not."""
    pixels = pixels_of(height, width, channels, dtype)
    boxes = placements(height, width, (32, 48), settings)
    expected = [as_float(box.image(pixels)) for box in boxes]
    # One axis shrinks, then the other grows: two roundings, and the linear one of 8 bits has weights of 11 bits.
    twice = (boxes[0].content_height - height) * (boxes[0].content_width - width) < 0
    [windows] = windows_of(as_float(pixels), (32, 48), settings)
    np.testing.assert_allclose(255 * windows, 255 * np.stack(expected), atol=grey_levels * (1.25 if twice else 1))


@pytest.mark.parametrize("fit", FITS)
@pytest.mark.parametrize("target", [(16, 16), (48, 32), (64, 64)])
def test_every_size_is_placed_as_in_the_records(target: tuple[int, int], fit: str) -> None:
    for height in (1, 3, 15, 16, 17, 31, 50, 200):
        for width in (1, 2, 16, 23, 47, 64, 129):
            grid = grid_of(tf.constant([height, width]), *target, data(fit))
            box = FITS[fit](height, width, *target)
            assert tuple(grid.size.numpy()) == (box.content_height, box.content_width)
            assert (grid.rows.numpy(), grid.columns.numpy()) == ([-box.top], [-box.left])


@pytest.mark.parametrize("edge", EDGES)
@pytest.mark.parametrize(("height", "width", "overlap"), [(16, 16, 0), (48, 32, 5), (64, 64, 60), (64, 80, 31)])
def test_tiles_of_every_size_lie_as_in_the_records(height: int, width: int, overlap: int, edge: str) -> None:
    for size in [*range(1, 70), 127, 128, 129, 191, 192, 200, 499]:
        tiles = tile_placements(size, 2 * size, height, width, overlap, edge)
        grid = grid_of(tf.constant([size, 2 * size]), height, width, data(tiles=(overlap, edge)))
        assert tuple(grid.size.numpy()) == (tiles[0].content_height, tiles[0].content_width)
        corners = [(row, column) for row in grid.rows.numpy() for column in grid.columns.numpy()]
        assert corners == [(-tile.top, -tile.left) for tile in tiles]


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("settings", [param for param in DERIVATIONS if param.id != "crop"])
@pytest.mark.parametrize(("height", "width"), [(20, 31), (200, 150), (64, 64), (90, 33)])
def test_answers_have_the_size_and_position_of_the_source(
    height: int, width: int, settings: Derivation, channels: int
) -> None:
    row, column, radius = 0.4 * height, 0.6 * width, 0.3 * min(height, width)
    truth = rasterized(height, width, [Shape(Ellipse(column, row, radius, radius))])
    image = np.repeat(truth[..., None].astype(np.float32), channels, axis=-1)
    found = answered(lambda windows: windows[..., :1], image, 64, 64, settings)
    assert found.shape == (height, width, 1)
    disc = found[..., 0] >= 0.5
    assert np.argwhere(disc).mean(axis=0) == pytest.approx(np.argwhere(truth).mean(axis=0), abs=0.5)
    assert np.sqrt(disc.sum() / np.pi) == pytest.approx(np.sqrt(truth.sum() / np.pi), abs=0.5)


@pytest.mark.parametrize(("height", "width"), [(20, 31), (200, 150), (64, 64), (90, 33), (1, 1)])
def test_what_a_crop_leaves_out_is_background(height: int, width: int) -> None:
    image = np.random.default_rng(0).uniform(0.1, 1, (height, width, 1)).astype(np.float32)
    found = answered(tf.identity, image, 64, 64, data("crop"))
    top, left = max(0, -((64 - height) // 2)), max(0, -((64 - width) // 2))
    expected = np.zeros_like(image)
    expected[top : top + 64, left : left + 64] = image[top : top + 64, left : left + 64]
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(("height", "width"), [(20, 31), (101, 150), (64, 96), (90, 33), (1, 1)])
@pytest.mark.parametrize("overlap", [0, 5, 16, 24])
@pytest.mark.parametrize("edge", ["overlap", "pad"])
def test_tiles_give_an_image_back_as_it_was(height: int, width: int, overlap: int, edge: str) -> None:
    image = np.random.default_rng(0).integers(0, 65536, (height, width, 1)).astype(np.float32) / 65535
    settings = data(tiles=(overlap, edge))
    found = answered(tf.identity, image, 32, 48, settings)
    # The mean of up to 5 x 3 equal numbers may be off by their last bit.
    np.testing.assert_array_equal(np.rint(65535 * found), np.rint(65535 * image))
    np.testing.assert_allclose(found, image, atol=1e-6)
    above = answered(lambda windows: tf.cast(windows >= 0.3, tf.float32), image, 32, 48, settings)
    np.testing.assert_array_equal(above, image >= 0.3)


@pytest.mark.parametrize("settings", DERIVATIONS[2:])
@pytest.mark.parametrize(("height", "width"), [(64, 90), (100, 100), (21, 130)])
def test_overlapping_tiles_are_averaged(height: int, width: int, settings: Derivation) -> None:
    """By a model whose answer depends on the place within the window, against a loop over the records."""
    image = np.random.default_rng(0).random((height, width, 1), np.float32)
    ramp = np.random.default_rng(1).random((32, 48, 1), np.float32)
    boxes = placements(height, width, (32, 48), settings)
    total = np.zeros((boxes[0].content_height, boxes[0].content_width, 1))
    count = np.zeros_like(total)
    rows, columns = np.mgrid[:32, :48]
    for box in boxes:
        answer = box.image(image) * ramp
        inside = (rows >= box.top) & (rows - box.top < box.content_height)
        inside &= (columns >= box.left) & (columns - box.left < box.content_width)
        total[rows[inside] - box.top, columns[inside] - box.left] += answer[inside]
        count[rows[inside] - box.top, columns[inside] - box.left] += 1
    expected = (total / np.maximum(count, 1)).astype(np.float32)
    if expected.shape[:2] != (height, width):
        expected = tf.image.resize(expected, (height, width)).numpy()
    found = answered(lambda windows: windows * ramp, image, 32, 48, settings)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_large_images_are_predicted_in_batches() -> None:
    """Sixteen tiles of 256 x 256 pixels make a million."""
    image = np.random.default_rng(0).random((3 * 256, 7 * 256, 1), np.float32)
    seen = windows_of(image, (256, 256), data(tiles=(0, "overlap")))
    assert [len(windows) for windows in seen] == [16, 5]
    np.testing.assert_array_equal(seen[1][-1], image[-256:, -256:])


@pytest.mark.parametrize("settings", DERIVATIONS[1::2])
def test_the_exported_graph_answers_for_files_of_any_size(settings: Derivation, tmp_path: Path) -> None:
    """By a network that is the identity: the answer is what the model saw, at the size of the source."""
    settings = settings.model_copy(update={"height": 32, "width": 48})
    export_model(Identity(), tmp_path / "model", Task(), OperatingPoint(threshold=0.4), settings)
    serve = tf.saved_model.load(str(tmp_path / "model")).signatures["serve_image_bytes"]
    sources = [pixels_of(*size, 1, np.uint16) & 0xFFFE for size in [(32, 48), (50, 130), (9, 20), (64, 96)]]
    answer = serve(images=tf.constant([encode_png(source) for source in sources]))
    for source, mask, probability in zip(sources, answer["mask"].numpy(), answer["probability"].numpy(), strict=True):
        expected = answered(tf.identity, as_float(adjust(source, HALF)), 32, 48, settings)[..., 0]
        found = decode_image(probability)
        np.testing.assert_allclose(found, 65535 * expected, atol=0.6)
        if settings.tiles and settings.tiles.edge != "stretch":
            np.testing.assert_array_equal(found, adjust(source, HALF))
        clear = np.abs(expected - 0.4) > 1e-4
        np.testing.assert_array_equal(decode_image(mask)[clear], (expected >= 0.4)[clear])
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"images\[1\] is neither a PNG nor a JPEG file"):
        serve(images=tf.constant([encode_png(sources[0]), b"GIF89a"]))


def png(pixels: np.ndarray) -> bytes:
    return encode_png(pixels)


def rgba_png(pixels: np.ndarray) -> bytes:
    alpha = np.full(pixels.shape[:2], 7, pixels.dtype)
    return cv2.imencode(".png", np.dstack([pixels[..., ::-1], alpha]))[1].tobytes()


def jpg(pixels: np.ndarray) -> bytes:
    return cv2.imencode(".jpg", pixels[..., ::-1] if pixels.ndim == 3 else pixels)[1].tobytes()


FILES = [
    pytest.param(encode, 3 if rgb else 1, dtype, id=f"{encode.__name__}-{'rgb' if rgb else 'gray'}-{dtype.__name__}")
    for encode, rgb, dtype in [
        (png, False, np.uint8),
        (png, False, np.uint16),
        (png, True, np.uint8),
        (png, True, np.uint16),
        (rgba_png, True, np.uint8),
        (rgba_png, True, np.uint16),
        (jpg, False, np.uint8),
        (jpg, True, np.uint8),
    ]
]


@pytest.mark.parametrize(("encode", "source_channels", "dtype"), FILES)
@pytest.mark.parametrize("channels", [1, 3])
def test_files_decode_as_they_do_for_records(
    encode: Callable[[np.ndarray], bytes], source_channels: int, dtype: type, channels: int
) -> None:
    content = encode(pixels_of(24, 37, source_channels, dtype))
    expected = as_float(with_channels(decode_image(content), channels))
    decoded = decode_any(tf.constant(content), channels).numpy()
    assert decoded.shape == (24, 37, channels)
    # Gray of RGB is rounded to the record's type, of 16 bits by whole-number weights: a level at the most.
    converted = (source_channels, channels) == (3, 1)
    np.testing.assert_allclose(decoded, expected, atol=1 / np.iinfo(dtype).max if converted else 1e-6)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_record_images_fill_sixteen_bits(dtype: type) -> None:
    pixels = pixels_of(16, 20, 1, dtype)
    decoded = decode_record_image(tf.constant(encode_png(pixels)), 16, 20, 1).numpy()
    assert decoded.dtype == np.uint16
    np.testing.assert_array_equal(decoded[..., 0], pixels.astype(int) * (65535 // np.iinfo(dtype).max))


class TestStandardize:
    def test_each_image_gets_mean_0_and_deviation_1(self) -> None:
        rng = np.random.default_rng(0)
        images = np.stack([rng.normal(0.2, 0.01, (16, 16, 3)), rng.normal(0.7, 0.2, (16, 16, 3))])
        standard = Standardize()(images.astype(np.float32)).numpy()
        np.testing.assert_allclose(standard.mean(axis=(1, 2, 3)), 0, atol=1e-4)
        np.testing.assert_allclose(standard.std(axis=(1, 2, 3)), 1, atol=1e-4)

    def test_twelve_bits_in_a_file_of_sixteen_look_the_same(self) -> None:
        image = np.random.default_rng(0).random((1, 16, 16, 1)).astype(np.float32)
        np.testing.assert_allclose(Standardize()(image / 16), Standardize()(image), atol=1e-3)

    def test_one_grey_value_gives_zeros(self) -> None:
        np.testing.assert_allclose(Standardize()(np.full((1, 8, 8, 1), 0.3, np.float32)), 0, atol=0.1)
