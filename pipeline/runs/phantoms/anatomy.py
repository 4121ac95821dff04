"""What a film shows: a breast with its pectoral muscle, and lesions, drawn at random.

Every film is laid out with the chest wall at column 0 and positions in parts of the film's side; films
of the right breast are mirrored at the end, so that the two films of a woman hang back to back.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Plane = NDArray[np.float32]

NOTE_FILM = 8  # its table row carries a note instead of coordinates


@dataclass(frozen=True)
class Look:
    """How the lesions of one class are drawn; lengths are in parts of the lesion's radius."""

    softness: float
    wobble: float = 0.03
    spicules: float = 0.0
    streaks: float = 0.0
    haze: float = 1.0
    grains: float = 0.0


LOOKS = {
    "CIRC": Look(softness=0.03, wobble=0.015),
    "SPIC": Look(softness=0.05, spicules=1.5),
    "MISC": Look(softness=0.09, wobble=0.05),
    "CALC": Look(softness=0.08, haze=0.85, grains=0.9),
    "ARCH": Look(softness=0.07, wobble=0.04, streaks=0.2),
    "ASYM": Look(softness=0.08, wobble=0.06, haze=0.9),
}


@dataclass(frozen=True)
class Lesion:
    """One lesion: class, severity, truth disc in pixels (chest wall at column 0), contrast of 0 to 1."""

    kind: str
    severity: str
    row: int
    column: int
    radius: int
    contrast: float


@dataclass(frozen=True)
class Breast:
    """Skin edge and pectoral muscle, in parts of the film's side, chest wall at 0."""

    reach: float
    middle: float
    above: float
    below: float
    muscle_width: float
    muscle_height: float

    def depth(self, across: Plane, down: Plane) -> Plane:
        """Return 1 at the middle of the chest wall, 0 on the skin edge, less than 0 outside."""
        span = np.where(down < self.middle, self.above, self.below)
        return 1 - np.sqrt((across / self.reach) ** 2 + ((down - self.middle) / span) ** 2)

    def beyond_muscle(self, across: Plane, down: Plane) -> Plane:
        """Return the distance from the edge of the pectoral muscle, less than 0 within it."""
        steepness = np.float32(np.hypot(1 / self.muscle_width, 1 / self.muscle_height))
        return (across / self.muscle_width + down / self.muscle_height - 1) / steepness


def is_right(number: int) -> bool:
    """Whether a film shows the right breast, and hangs with its chest wall on the right."""
    return number % 2 == 1


def draw_breast(rng: Generator) -> Breast:
    """Draw skin edge and muscle."""
    return Breast(
        reach=rng.uniform(0.55, 0.72),
        middle=rng.uniform(0.50, 0.58),
        above=rng.uniform(0.58, 0.66),
        below=rng.uniform(0.36, 0.41),
        muscle_width=rng.uniform(0.18, 0.28),
        muscle_height=rng.uniform(0.34, 0.50),
    )


def draw_lesions(breast: Breast, number: int, size: int, rng: Generator) -> list[Lesion]:
    """Draw none, one or two lesions that lie in the breast, off the muscle and clear of each other."""
    note = number == NOTE_FILM
    count = 1 if note else int(rng.random() < 0.7) * (1 + int(rng.random() < 1 / 8))
    lesions: list[Lesion] = []
    while len(lesions) < count:
        lesion = Lesion(
            kind="CALC" if note else str(rng.choice(list(LOOKS))),
            severity="M" if rng.random() < 0.43 else "B",
            row=int(rng.integers(size)),
            column=int(rng.integers(size)),
            radius=round(rng.uniform(0.035, 0.09) * size),
            contrast=rng.uniform(0.25, 0.38),
        )
        if _fits(lesion, breast, size) and not any(_touch(lesion, other, size) for other in lesions):
            lesions.append(lesion)
    return lesions


def _fits(lesion: Lesion, breast: Breast, size: int) -> bool:
    angle = np.linspace(0, 2 * np.pi, 24, dtype=np.float32)
    reach = 1.2 * lesion.radius + 1
    across = (lesion.column + reach * np.cos(angle)) / size
    down = (lesion.row + reach * np.sin(angle)) / size
    in_film = min(across.min(), down.min()) >= 0 and max(across.max(), down.max()) < 1
    in_breast = breast.depth(across, down).min() > 0.1
    return bool(in_film and in_breast and breast.beyond_muscle(across, down).min() > 0.02)


def _touch(one: Lesion, other: Lesion, size: int) -> bool:
    gap = np.hypot(one.row - other.row, one.column - other.column) - one.radius - other.radius
    return bool(gap < 0.05 * size)
