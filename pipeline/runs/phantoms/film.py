"""Films: what they show, and their grey levels."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from pipeline.runs.phantoms.anatomy import LOOKS, Breast, Lesion, Plane, draw_breast, draw_lesions, is_right

TISSUES = {"G": (0.29, 0.028), "D": (0.35, 0.036), "F": (0.23, 0.018)}  # grey level and texture, 0 to 1


@dataclass(frozen=True)
class Film:
    """A film with all that its truth is told from."""

    number: int
    """From 1: odd numbers are right, even numbers left, 2k-1 and 2k one woman's."""
    breast: Breast
    lesions: list[Lesion]
    pixels: NDArray[np.uint8]
    """`(size, size)`."""

    @property
    def size(self) -> int:
        return len(self.pixels)

    @property
    def name(self) -> str:
        return f"mdb{self.number:03d}"


def draw_film(number: int, size: int, seed: int) -> Film:
    """Return the film of a number, which depends on nothing but these."""
    rng = np.random.default_rng([seed, number])
    breast = draw_breast(rng)
    lesions = draw_lesions(breast, number, size, rng)
    return Film(number, breast, lesions, _render(breast, lesions, number, size, rng))


def tissue(number: int) -> str:
    """Return the tissue letter of a film; the two films of a woman share it."""
    return list(TISSUES)[(number - 1) // 2 % len(TISSUES)]


def _render(breast: Breast, lesions: list[Lesion], number: int, size: int, rng: Generator) -> NDArray[np.uint8]:
    """Return the film, uint8 `(size, size)`."""
    film = _tissue_plane(breast, tissue(number), size, rng)
    for lesion in lesions:
        _add_lesion(film, lesion, rng)
    # Films differ in exposure, so that no single threshold finds the lesions of all.
    film *= rng.uniform(0.9, 1.15)
    film = np.ascontiguousarray(film[:, ::-1]) if is_right(number) else film
    _add_markers(film, number, rng)
    film += rng.uniform(0.01, 0.03) + 0.012 * rng.standard_normal(film.shape, dtype=np.float32)
    return (255 * film.clip(0, 1)).astype(np.uint8)


def positions(size: int) -> tuple[Plane, Plane]:
    """Return how far across `(1, size)` and down `(size, 1)` the pixels lie, in parts of the side."""
    place = np.arange(size, dtype=np.float32) / size
    return place[None, :], place[:, None]


def _noise(shape: tuple[int, int], size: int, rng: Generator) -> Plane:
    """Return smooth noise, float32 `(size, size)`: one normal draw for each cell of a `shape` grid."""
    cells = rng.standard_normal(shape, dtype=np.float32)
    return cv2.resize(cells, (size, size), interpolation=cv2.INTER_CUBIC).astype(np.float32, copy=False)


def _tissue_plane(breast: Breast, tissue: str, size: int, rng: Generator) -> Plane:
    """Return breast and muscle without lesions, float32 `(size, size)` of 0 to 1, chest wall at column 0."""
    across, down = positions(size)
    level, texture = TISSUES[tissue]
    depth = breast.depth(across, down) + 0.012 * _noise((5, 5), size, rng)
    skin = (depth / 0.2).clip(0, 1)
    thickness = skin * (2 - skin)
    scales = [((4, 4), 1.2), ((9, 9), 0.7), ((24, 12), 0.7), ((40, 30), 0.6), ((90, 60), 0.5)]
    pattern = sum(weight * _noise(shape, size, rng) for shape, weight in scales)
    gland = level + rng.uniform(-0.03, 0.03) + texture * (0.5 + depth) * (1.5 + pattern)
    muscle = (0.5 - breast.beyond_muscle(across, down) / 0.03).clip(0, 1) * rng.uniform(0.18, 0.28)
    return (thickness * (gland + muscle)).astype(np.float32)


def _add_lesion(film: Plane, lesion: Lesion, rng: Generator) -> None:
    look = LOOKS[lesion.kind]
    half = int(1.6 * lesion.radius) + 1
    rows = slice(max(lesion.row - half, 0), lesion.row + half + 1)
    columns = slice(max(lesion.column - half, 0), lesion.column + half + 1)
    place = np.arange(film.shape[0])
    down = (place[rows, None] - lesion.row) / lesion.radius
    across = (place[None, columns] - lesion.column) / lesion.radius
    distance, angle = np.hypot(down, across), np.arctan2(down, across)

    edge = 0.97 + look.wobble * _around(angle, 11, rng)
    body = 1 / (1 + np.exp((distance - edge) / look.softness))
    spicules = look.spicules * (_around(angle, 56, rng) - 0.2).clip(0, 1) * (1.5 - distance).clip(0, 0.5)
    streaks = look.streaks * _around(angle + 0.7 * distance, 30, rng) * distance
    grains = look.grains * cv2.resize((rng.random((44, 44)) > 0.9).astype(np.float64), body.shape[::-1])
    profile = body * (look.haze + streaks + grains) + (1 - body) * spicules
    film[rows, columns] += lesion.contrast * profile


def _around(angle: NDArray[np.float64], knots: int, rng: Generator) -> NDArray[np.float64]:
    """Return a random periodic function of `angle` (radians) with standard normal values at its knots."""
    turn = 2 * np.pi
    return np.interp(angle, np.arange(knots) * turn / knots, rng.standard_normal(knots), period=turn)


def _add_markers(film: Plane, number: int, rng: Generator) -> None:
    """Draw the label and a line or a spot on the side away from the chest wall."""
    size = film.shape[0]
    width, height, top = size // 6, size // 14, size // 25
    left = size // 40 if is_right(number) else size - size // 40 - width
    bright = (rng.uniform(0.7, 0.95),)
    cv2.rectangle(film, (left, top), (left + width, top + height), bright, -1)
    text = "R MLO" if is_right(number) else "L MLO"
    start = (left + width // 20, top + 3 * height // 4)
    cv2.putText(film, text, start, cv2.FONT_HERSHEY_SIMPLEX, size / 800, (0.1,), max(size // 300, 1))
    marker = (left + width // 2, int(rng.uniform(0.86, 0.95) * size))
    if rng.random() < 0.5:
        cv2.circle(film, marker, max(size // 60, 1), bright, -1)
    else:
        cv2.line(film, marker, (marker[0], size), bright, max(size // 200, 1))
