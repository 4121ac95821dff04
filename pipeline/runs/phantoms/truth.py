"""What there is to find in a film: rows of a truth table, or a mask of class indices."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.runs.phantoms.anatomy import NOTE_FILM, Lesion, is_right
from pipeline.runs.phantoms.film import Film, positions, tissue

FULL_SIZE = 1024  # pixels of the mini-MIAS films, and so of the coordinates in their table
BREAST, MUSCLE, LESION = 1, 2, 3


def table_rows(film: Film) -> list[str]:
    """Return the film's rows with the blemishes of tables in circulation: trailing spaces, blank lines."""
    tail = " " if film.number % 5 == 0 else ""
    rows = [_row(lesion, film) for lesion in film.lesions] or ["NORM"]
    lines = [f"{film.name} {tissue(film.number)} {row}{tail}" for row in rows]
    return [*lines, ""] if film.number % 10 == 0 else lines


def class_mask(film: Film) -> NDArray[np.uint8]:
    """Return what each pixel shows, uint8 `(size, size)`: background, BREAST, MUSCLE, or LESION, which lies on top.

    Lesions are the discs of the truth table, also that of the film whose row has a note in their place.
    """
    across, down = positions(film.size)
    breast = film.breast.depth(across, down) > 0
    mask = np.where(breast & (film.breast.beyond_muscle(across, down) < 0), MUSCLE, BREAST * breast).astype(np.uint8)
    mask = np.ascontiguousarray(mask[:, ::-1]) if is_right(film.number) else mask
    for lesion in film.lesions:
        mask[_inside(lesion, film)] = LESION
    return mask


def _row(lesion: Lesion, film: Film) -> str:
    place = "*NOTE 3*" if film.number == NOTE_FILM else "{} {} {}".format(*_disc(lesion, film))
    return f"{lesion.kind} {lesion.severity} {place}"


def _disc(lesion: Lesion, film: Film) -> tuple[int, int, int]:
    """The table's x, y from the bottom, and radius: in pixels of films of full size, however small these are."""
    column = film.size - 1 - lesion.column if is_right(film.number) else lesion.column
    x, y = (round((pixel + 0.5) * FULL_SIZE / film.size - 0.5) for pixel in (column, film.size - 1 - lesion.row))
    return x, y, round(lesion.radius * FULL_SIZE / film.size)


def _inside(lesion: Lesion, film: Film) -> NDArray[np.bool_]:
    """Where a film of this size has the table's disc, rounded as it stands there; bool `(size, size)`."""
    scale = film.size / FULL_SIZE
    x, y, radius = _disc(lesion, film)
    place = np.arange(film.size)
    across = place - ((x + 0.5) * scale - 0.5)
    down = place[::-1, None] - ((y + 0.5) * scale - 0.5)
    inside: NDArray[np.bool_] = across**2 + down**2 <= (radius * scale) ** 2
    return inside
