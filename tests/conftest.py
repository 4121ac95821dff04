"""Small data that every test can draw: grey images of one bright disc, and folders of them with their masks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

from components.imaging.files.codecs import encode_png
from components.imaging.truth.shapes import Ellipse, Shape, rasterized
from components.onednn import prefer_onednn

# As Maskline does, before anybody imports TensorFlow; processes that tests start have it from here.
prefer_onednn()

# The same examples in every run: what passed once passes again. No deadline: machines are shared.
settings.register_profile("maskline", derandomize=True, deadline=None)
settings.load_profile("maskline")

Pair = tuple[np.ndarray, np.ndarray]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What runs nodes, or whole pipelines, is no part of `make test-quick`."""
    for item in items:
        if {"component", "e2e"} & set(item.path.relative_to(Path(__file__).parent).parts):
            item.add_marker("long")


def _disc_pair(height: int, width: int, seed: int, *, empty: bool = False) -> Pair:
    rng = np.random.default_rng(seed)
    radius = rng.uniform(0.15, 0.3) * min(height, width)
    row, column = rng.uniform(radius, height - radius), rng.uniform(radius, width - radius)
    mask = rasterized(height, width, [] if empty else [Shape(Ellipse(column, row, radius, radius))])
    image = rng.normal(60 + 110 * mask, 12).clip(0, 255).astype(np.uint8)
    return image, mask


def _write_pairs(root: Path, patients: int, size: tuple[int, int] = (40, 48)) -> Path:
    for folder in ("images", "masks"):
        (root / folder).mkdir(parents=True)
    for patient in range(patients):
        for view in "ab":
            image, mask = _disc_pair(*size, seed=2 * patient + (view == "b"), empty=patient % 6 == 5)
            (root / f"images/p{patient:02d}_{view}.png").write_bytes(encode_png(image))
            (root / f"masks/p{patient:02d}_{view}.png").write_bytes(encode_png(255 * mask))
    return root


@pytest.fixture(scope="session")
def disc_pair() -> Callable[..., Pair]:
    """`(height, width, seed, empty=False)` -> a noisy uint8 image of a bright disc, and its mask of 0 and 1."""
    return _disc_pair


@pytest.fixture(scope="session")
def write_pairs() -> Callable[..., Path]:
    """`(root, patients, size)` writes `images` and `masks` of two views per patient; every sixth has no disc."""
    return _write_pairs
