"""Small folders whose masks may mean two things."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
from found_folders import COUNT, WIDTH, picture, save

Draw = Callable[[int, np.ndarray], np.ndarray]
_BAND = np.arange(64)[:, None] < 6


def drawn(root: Path, draw: Draw, mask: str = "masks/{}.png") -> None:
    """An image, and what is drawn of the disc in it."""
    for number in range(COUNT):
        pixels, disc = picture(number)
        save(root / f"images/a{number}.png", pixels)
        save(root / mask.format(f"a{number}"), draw(number, disc))


def white(place: np.ndarray) -> np.ndarray:
    return np.uint8(255) * np.ascontiguousarray(np.broadcast_to(place, (64, WIDTH)))


def shifted(number: int, disc: np.ndarray) -> np.ndarray:
    return white(np.roll(disc, 2, axis=0))


def softened(number: int, disc: np.ndarray) -> np.ndarray:
    half = cv2.resize(white(disc), (WIDTH // 2, 32), interpolation=cv2.INTER_AREA)
    return cv2.resize(half, (WIDTH, 64), interpolation=cv2.INTER_NEAREST)


def resized(mask: np.ndarray) -> np.ndarray:
    half = cv2.resize(mask, (WIDTH // 2, 32), interpolation=cv2.INTER_AREA)
    return cv2.resize(half, (WIDTH, 64), interpolation=cv2.INTER_LINEAR)


def softened_levels(number: int, disc: np.ndarray) -> np.ndarray:
    return resized(np.where(_BAND & ~disc, 128, white(disc)).astype(np.uint8))


def softened_colours(number: int, disc: np.ndarray) -> np.ndarray:
    return resized(np.array([(0, 0, 0), (255, 0, 0), (0, 0, 255)], np.uint8)[np.where(_BAND & ~disc, 2, disc)])


def rimmed(number: int, disc: np.ndarray) -> np.ndarray:
    """As PASCAL VOC has it."""
    wide, narrow = (each(disc.astype(np.uint8), np.ones((3, 3))) for each in (cv2.dilate, cv2.erode))
    return np.where(wide > narrow, 255, narrow).astype(np.uint8)


def counted(number: int, disc: np.ndarray) -> np.ndarray:
    mask = disc.astype(np.uint8)
    for extra in range(number % 5):
        mask[1:5, 4 + 12 * extra : 10 + 12 * extra] = 2 + extra
    return mask


def beside(number: int, disc: np.ndarray) -> np.ndarray:
    return np.where(_BAND & ~disc, 255, disc).astype(np.uint8)


def bordered(number: int, disc: np.ndarray) -> np.ndarray:
    return np.where(rimmed(number, disc) == 255, 2, rimmed(number, disc)).astype(np.uint8)


def pets(number: int, disc: np.ndarray) -> np.ndarray:
    """1, 2 around it, and 3 between them."""
    return np.array([2, 1, 3], np.uint8)[bordered(number, disc)]


def sparse(number: int, disc: np.ndarray) -> np.ndarray:
    mask = disc * np.uint16(1003 + 7 * number)
    mask[1:5, 4:10] = 26011 + 3 * number
    return mask


def two(root: Path, draws: Sequence[Draw], masks: Sequence[str]) -> None:
    for draw, mask in zip(draws, masks, strict=True):
        drawn(root, draw, mask)


def disc_of(number: int, disc: np.ndarray) -> np.ndarray:
    return white(disc)


def band_of(number: int, disc: np.ndarray) -> np.ndarray:
    return white(_BAND & ~disc)


def core_of(number: int, disc: np.ndarray) -> np.ndarray:
    return white(cv2.erode(disc.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0)


FOLDERS = ("mask1/{}.png", "mask2/{}.png")
NAMES = ("masks/{}_observer1.png", "masks/{}_observer2.png")

BESIDE = tuple(f"images/{{}}_mask{number}.png" for number in (1, 2, 3))

DOUBTFUL: Mapping[str, Callable[[Path], None]] = {
    "blends": lambda root: drawn(root, softened),
    "blended levels": lambda root: drawn(root, softened_levels),
    "blended colours": lambda root: drawn(root, softened_colours),
    "void rim": lambda root: drawn(root, rimmed),
    "numbers": lambda root: drawn(root, counted),
    "void region": lambda root: drawn(root, beside),
    "rim": lambda root: drawn(root, bordered),
    "pets": lambda root: drawn(root, pets),
    "ids": lambda root: drawn(root, sparse),
    "observers in folders": lambda root: two(root, (disc_of, shifted), FOLDERS),
    "observers by name": lambda root: two(root, (disc_of, shifted), NAMES),
    "observers beside": lambda root: two(root, (disc_of, shifted, shifted), BESIDE),
    "two folders": lambda root: two(root, (disc_of, band_of), FOLDERS),
    "one within the other": lambda root: two(root, (disc_of, core_of), FOLDERS),
    "two names": lambda root: two(root, (disc_of, band_of), NAMES),
}


def unlike_copies(root: Path) -> None:
    """Of three images a copy under another name; one of these has another mask, one is there three times."""
    drawn(root, disc_of)
    for number, name in ((3, "z3"), (4, "z4"), (4, "zz4"), (5, "z5")):
        pixels, disc = picture(number)
        save(root / f"images/{name}.png", pixels)
        save(root / f"masks/{name}.png", white(np.roll(disc, 5, axis=1)) if number < 5 else white(disc))
