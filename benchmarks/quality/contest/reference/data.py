"""Their loader: nearest resizing, 0..1, and their augmentation, of validation as well."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import cv2
import numpy as np

from benchmarks.quality.contest.problem import Problem
from components.example_gen.core import Source

Pair = tuple[np.ndarray, np.ndarray]
_TURN, _SHIFT, _SHEAR, _ZOOM = 90.0, 0.2, 0.2, 0.2
"""Degrees, share of the side, degrees, share: each to both sides."""


def image_of(problem: Problem, source: Source, size: tuple[int, int]) -> np.ndarray:
    """float32 `(H, W, channels)` of 0..1."""
    image = cv2.resize(problem.pixels(source), size[::-1], interpolation=cv2.INTER_NEAREST_EXACT)
    return image.reshape(*size, problem.channels).astype(np.float32) / 255


def pair_of(problem: Problem, source: Source, size: tuple[int, int]) -> Pair:
    """An image, and its truth float32 `(H, W, K)` as the network answers."""
    truth = cv2.resize(problem.truth(source), size[::-1], interpolation=cv2.INTER_NEAREST_EXACT)
    several = len(problem.classes) > 1
    indices = range(1 + len(problem.classes)) if several else [1]
    return image_of(problem, source, size), np.stack([truth == index for index in indices], -1).astype(np.float32)


def batches(pairs: Sequence[Pair], batch_size: int, rng: np.random.Generator) -> Iterator[Pair]:
    """Without end: pass after pass in a new order; the last batch of a pass may be short."""
    while True:
        order = rng.permutation(len(pairs))
        for begin in range(0, len(order), batch_size):
            chosen = [_augmented(*pairs[int(index)], rng) for index in order[begin : begin + batch_size]]
            yield np.stack([image for image, _ in chosen]), np.stack([truth for _, truth in chosen])


def _augmented(image: np.ndarray, truth: np.ndarray, rng: np.random.Generator) -> Pair:
    height, width = image.shape[:2]
    inverse, flips = _map(height, width, rng), rng.random(2) < 0.5
    warped = []
    for plane in (image, truth):
        moved = cv2.warpAffine(
            plane, inverse, (width, height), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_WRAP
        ).reshape(plane.shape)
        warped.append(moved[:: -1 if flips[0] else 1, :: -1 if flips[1] else 1])
    moved = warped[1]
    several = moved.shape[-1] > 1
    hard = moved.argmax(-1)[..., None] == np.arange(moved.shape[-1]) if several else moved > 0.5
    return warped[0], hard.astype(np.float32)


def _map(height: int, width: int, rng: np.random.Generator) -> np.ndarray:
    """Affine map `(2, 3)` about the middle, from places `(x, y)` of the result to those of the image."""
    turn, shear = np.deg2rad(rng.uniform(-_TURN, _TURN)), np.deg2rad(rng.uniform(-_SHEAR, _SHEAR))
    shift = rng.uniform(-_SHIFT, _SHIFT, 2) * (width, height)
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    slant = np.array([[np.cos(shear), 0.0], [-np.sin(shear), 1.0]])
    linear = rotation @ slant @ np.diag(rng.uniform(1 - _ZOOM, 1 + _ZOOM, 2))
    middle = (np.array([width, height]) - 1) / 2
    return np.column_stack([linear, middle + rotation @ shift - linear @ middle])
