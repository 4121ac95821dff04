"""Phantom mammograms: computer-made films and a truth table in the form of mini-MIAS.

Every film is laid out with the chest wall at column 0 and positions in parts of the film's side; films
of the right breast are mirrored at the end, so that the two films of a woman hang back to back.
"""

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from components.errors import UsageError

Plane = NDArray[np.float32]

MOST_WOMEN = 499  # film numbers have three digits
LEAST_SIZE = 64  # pixels; below it the smallest lesion is no disc any more
FULL_SIZE = 1024  # pixels of the mini-MIAS films, and so of the coordinates in their table
NOTE_FILM = 8  # its table row carries a note instead of coordinates
PARAMETERS = "phantoms.json"
SET_NAMES = re.compile(r"mdb\d{3}\.pgm|Info\.txt|README\.txt|phantoms\.json")
TISSUES = {"G": (0.29, 0.028), "D": (0.35, 0.036), "F": (0.23, 0.018)}  # grey level and texture, 0 to 1
NOTICE = "The films are computer-made phantoms, not patients: the numbers say nothing about mammograms."
README = """\
PHANTOMS, NOT PATIENTS

Every film in this folder was drawn by a computer program. No film shows a person, and the truth table
Info.txt describes drawn shapes, not diagnoses. The folder has the form of the mini-MIAS database so that
software can be tried without patient data. Nothing measured on it supports any clinical claim.
"""


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


def write_mias_phantoms(directory: Path, *, women: int, size: int, seed: int) -> None:
    """Make `directory` hold a phantom data set in the form of mini-MIAS.

    It gets two films of `size` x `size` pixels for each woman (`mdb001.pgm`, ...: binary PGM, uint8, odd
    numbers right, even numbers left), the truth table `Info.txt` (origin bottom-left), `README.txt` and
    `phantoms.json`. A film and its rows depend on `size`, `seed` and the film's number only. A set made
    with the same parameters is left as it is, one made with others is replaced. The set is built in a
    folder beside `directory` and renamed, so that a killed run leaves no half set.

    Raises:
        UsageError: a parameter is out of range, or `directory` holds something other than phantoms.
    """
    if not (1 <= women <= MOST_WOMEN and size >= LEAST_SIZE and seed >= 0):
        raise UsageError(
            f"phantoms: women={women}, size={size}, seed={seed}; "
            f"expected 1 to {MOST_WOMEN} women, a size of {LEAST_SIZE} or more and a seed of 0 or more"
        )
    drawn_by = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:12]
    parameters = json.dumps({"women": women, "size": size, "seed": seed, "drawn_by": drawn_by}) + "\n"
    if (directory / PARAMETERS).is_file() and (directory / PARAMETERS).read_text() == parameters:
        return
    _refuse_foreign(directory)
    directory.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=f".{directory.name}-", dir=directory.parent) as scratch:
        fresh = Path(scratch) / "fresh"
        fresh.mkdir()
        _write_set(fresh, women, size, seed)
        (fresh / PARAMETERS).write_text(parameters)
        if directory.exists():
            directory.rename(Path(scratch) / "old")
        fresh.rename(directory)


def _refuse_foreign(directory: Path) -> None:
    """Raise UsageError where replacing `directory` would delete anything but phantoms."""
    found = [] if not directory.exists() else ["a file in its place"]
    if directory.is_dir():
        found = sorted(entry.name for entry in directory.iterdir())
    foreign = [name for name in found if not SET_NAMES.fullmatch(name)]
    if foreign or (found and PARAMETERS not in found):
        raise UsageError(
            f"{directory}: not a phantom set (found {', '.join((foreign or found)[:3])}); "
            "expected a new folder, an empty one or a phantom set; name another folder"
        )


def _write_set(directory: Path, women: int, size: int, seed: int) -> None:
    lines = ["REFNUM BG CLASS SEVERITY X Y RADIUS", ""]
    for number in range(1, 2 * women + 1):
        rng = np.random.default_rng([seed, number])
        breast = _draw_breast(rng)
        lesions = _draw_lesions(breast, number, size, rng)
        film = _render(breast, lesions, number, size, rng)
        (directory / f"mdb{number:03d}.pgm").write_bytes(b"P5\n%d %d\n255\n" % (size, size) + film.tobytes())
        lines += _table_rows(lesions, number, size)
    (directory / "Info.txt").write_bytes("".join(f"{line}\r\n" for line in lines).encode("ascii"))
    (directory / "README.txt").write_text(README)


def _is_right(number: int) -> bool:
    return number % 2 == 1


def _tissue(number: int) -> str:
    """Return the tissue letter of a film; the two films of a woman share it."""
    return list(TISSUES)[(number - 1) // 2 % len(TISSUES)]


def _table_rows(lesions: list[Lesion], number: int, size: int) -> list[str]:
    """Return the film's rows with the blemishes of tables in circulation: trailing spaces, blank lines."""
    tail = " " if number % 5 == 0 else ""
    rows = [_truth(lesion, number, size) for lesion in lesions] or ["NORM"]
    lines = [f"mdb{number:03d} {_tissue(number)} {row}{tail}" for row in rows]
    return [*lines, ""] if number % 10 == 0 else lines


def _truth(lesion: Lesion, number: int, size: int) -> str:
    if number == NOTE_FILM:
        return f"{lesion.kind} {lesion.severity} *NOTE 3*"
    column = size - 1 - lesion.column if _is_right(number) else lesion.column
    x, y = (_on_full_size(pixel, size) for pixel in (column, size - 1 - lesion.row))
    return f"{lesion.kind} {lesion.severity} {x} {y} {round(lesion.radius * FULL_SIZE / size)}"


def _on_full_size(pixel: int, size: int) -> int:
    """The table's coordinates are those of films of full size, however small these are."""
    return round((pixel + 0.5) * FULL_SIZE / size - 0.5)


def _draw_breast(rng: Generator) -> Breast:
    return Breast(
        reach=rng.uniform(0.55, 0.72),
        middle=rng.uniform(0.50, 0.58),
        above=rng.uniform(0.58, 0.66),
        below=rng.uniform(0.36, 0.41),
        muscle_width=rng.uniform(0.18, 0.28),
        muscle_height=rng.uniform(0.34, 0.50),
    )


def _draw_lesions(breast: Breast, number: int, size: int, rng: Generator) -> list[Lesion]:
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


def _render(breast: Breast, lesions: list[Lesion], number: int, size: int, rng: Generator) -> NDArray[np.uint8]:
    """Return the film, uint8 `(size, size)`."""
    film = _tissue_plane(breast, _tissue(number), size, rng)
    for lesion in lesions:
        _add_lesion(film, lesion, rng)
    # Films differ in exposure, so that no single threshold finds the lesions of all.
    film *= rng.uniform(0.9, 1.15)
    film = np.ascontiguousarray(film[:, ::-1]) if _is_right(number) else film
    _add_markers(film, number, rng)
    film += rng.uniform(0.01, 0.03) + 0.012 * rng.standard_normal(film.shape, dtype=np.float32)
    return (255 * film.clip(0, 1)).astype(np.uint8)


def _noise(shape: tuple[int, int], size: int, rng: Generator) -> Plane:
    """Return smooth noise, float32 `(size, size)`: one normal draw for each cell of a `shape` grid."""
    cells = rng.standard_normal(shape, dtype=np.float32)
    return cv2.resize(cells, (size, size), interpolation=cv2.INTER_CUBIC).astype(np.float32, copy=False)


def _tissue_plane(breast: Breast, tissue: str, size: int, rng: Generator) -> Plane:
    """Return breast and muscle without lesions, float32 `(size, size)` of 0 to 1, chest wall at column 0."""
    place = np.arange(size, dtype=np.float32) / size
    across, down = place[None, :], place[:, None]
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
    left = size // 40 if _is_right(number) else size - size // 40 - width
    bright = (rng.uniform(0.7, 0.95),)
    cv2.rectangle(film, (left, top), (left + width, top + height), bright, -1)
    text = "R MLO" if _is_right(number) else "L MLO"
    start = (left + width // 20, top + 3 * height // 4)
    cv2.putText(film, text, start, cv2.FONT_HERSHEY_SIMPLEX, size / 800, (0.1,), max(size // 300, 1))
    marker = (left + width // 2, int(rng.uniform(0.86, 0.95) * size))
    if rng.random() < 0.5:
        cv2.circle(film, marker, max(size // 60, 1), bright, -1)
    else:
        cv2.line(film, marker, (marker[0], size), bright, max(size // 200, 1))
