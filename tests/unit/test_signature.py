"""Signatures: what changes them, what does not, and what has none."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.imaging.files.codecs import with_channels
from components.imaging.fingerprint import SIGNATURE_BYTES, signature


def texture(height: int, width: int, seed: int) -> np.ndarray:
    """Gray `(height, width)` uint8: patches of some 1/20 of the side, the same at any size."""
    cells = np.random.default_rng(seed).uniform(30, 220, (20, 20))
    return cv2.resize(cells, (width, height), interpolation=cv2.INTER_CUBIC).clip(0, 255).astype(np.uint8)


def details(pixels: np.ndarray) -> np.ndarray:
    return np.frombuffer(signature(pixels), np.int8).reshape(64, 64).astype(float)


def likeness(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.corrcoef(details(one).ravel(), details(other).ravel())[0, 1])


def bordered(pixels: np.ndarray, value: int, top: int, bottom: int, left: int, right: int) -> np.ndarray:
    return cv2.copyMakeBorder(pixels, top, bottom, left, right, cv2.BORDER_CONSTANT, value=value)


@given(
    height=st.integers(1, 200),
    width=st.integers(1, 200),
    channels=st.sampled_from([None, 3]),
    dtype=st.sampled_from([np.uint8, np.uint16]),
    seed=st.integers(0, 9),
)
def test_every_image_has_a_signature_of_one_length_and_always_the_same(height, width, channels, dtype, seed) -> None:
    shape = (height, width, channels) if channels else (height, width)
    pixels = np.random.default_rng(seed).integers(0, np.iinfo(dtype).max, shape, dtype)
    before = pixels.copy()
    assert len(signature(pixels)) == SIGNATURE_BYTES == 4096
    assert signature(pixels) == signature(np.asfortranarray(pixels))
    assert (pixels == before).all()


@pytest.mark.parametrize(
    "turn",
    [
        lambda a: a[::-1],
        lambda a: a[:, ::-1],
        np.rot90,
        lambda a: np.rot90(a, 2),
        lambda a: np.rot90(a, 3),
        np.transpose,
    ],
)
def test_the_signature_turns_with_the_image(turn) -> None:
    image = texture(256, 256, seed=0)
    assert np.corrcoef(turn(details(image)).ravel(), details(turn(image)).ravel())[0, 1] > 0.99


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda a: a.astype(np.uint16) * 257, id="16 bit"),
        pytest.param(lambda a: a.astype(np.uint16) * 16, id="12 of 16 bit"),
        pytest.param(lambda a: np.stack([a] * 3, axis=-1), id="RGB"),
        pytest.param(lambda a: a // 3 + 60, id="less contrast, brighter"),
        pytest.param(lambda a: (a * np.linspace(0.3, 1, a.shape[1])).astype(np.uint8), id="darker to one side"),
        pytest.param(lambda a: cv2.resize(a, (150, 150), interpolation=cv2.INTER_AREA), id="smaller"),
        pytest.param(lambda a: cv2.resize(a, (700, 400)), id="another aspect"),
        pytest.param(lambda a: bordered(a, 0, 0, 0, 90, 90), id="letterbox"),
        pytest.param(lambda a: bordered(a, 255, 60, 0, 0, 0), id="white bar"),
        pytest.param(lambda a: bordered(bordered(a, 0, 0, 0, 0, 90), 99, 50, 50, 50, 50), id="bar within a frame"),
    ],
)
def test_the_signature_stays(change) -> None:
    image = texture(300, 300, seed=1)
    assert likeness(image, change(image)) > 0.9
    assert likeness(texture(300, 300, seed=2), change(image)) < 0.2


def test_colours_count_by_their_brightness() -> None:
    image = np.stack([texture(256, 256, seed) for seed in (6, 7, 8)], axis=-1)
    assert likeness(image, with_channels(image, 1)) > 0.99


def test_noise_in_an_empty_border_does_not_keep_it() -> None:
    image = texture(300, 300, seed=3)
    noise = np.random.default_rng(0).integers(0, 20, (300, 600), np.uint8)
    noise[:, 150:450] = image
    assert likeness(image, noise) > 0.9


def test_a_pointed_outline_is_kept_whole_in_a_wide_border() -> None:
    down, across = np.mgrid[:300, :300] / 300
    image = np.where(np.abs(across - 0.5) < 0.03 + 0.4 * down, texture(300, 300, seed=3), 0).astype(np.uint8)
    assert likeness(image, bordered(image, 0, 0, 0, 300, 300)) > 0.9


def test_a_few_marks_in_an_empty_border_do_not_keep_it() -> None:
    image = bordered(texture(300, 300, seed=3), 0, 0, 0, 0, 300)
    marked = image.copy()
    marked[140:146, 560:566] = 255
    assert likeness(image, marked) > 0.9


def test_outlines_hardly_count() -> None:
    down, across = np.mgrid[:256, :256] / 256
    breast = np.hypot((down - 0.5) / 0.45, across / 0.7) < 1
    one, other = (np.where(breast, 100 + texture(256, 256, seed) // 5, 0).astype(np.uint8) for seed in (4, 5))
    assert np.corrcoef(one.ravel(), other.ravel())[0, 1] > 0.95
    assert likeness(one, other) < 0.3


@pytest.mark.parametrize(
    "image",
    [
        pytest.param(np.full((70, 90), 7, np.uint8), id="one value"),
        pytest.param(np.tile(np.arange(256, dtype=np.uint8), (256, 1)), id="ramp"),
        pytest.param(cv2.circle(np.full((256, 256), 60, np.uint8), (100, 120), 60, (170,), -1), id="disc"),
        pytest.param(cv2.rectangle(np.zeros((200, 200), np.uint8), (30, 40), (90, 160), (255,), -1), id="rectangle"),
        pytest.param(np.zeros((1, 1), np.uint16), id="a pixel"),
    ],
)
def test_what_shows_next_to_nothing_has_no_details(image: np.ndarray) -> None:
    assert signature(image) == bytes(SIGNATURE_BYTES)
