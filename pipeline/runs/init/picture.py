"""A picture by which a person sees whether the truth was understood: images with the outlines of their masks."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from components.imaging.annotations.colours import colours_of, eight_bit, outlined
from components.records.record import Record
from components.task import Task

_COLUMNS, _SIDE, _LINE, _LETTERS = 4, 320, 22, 32
_PAPER, _INK = 255, (60, 60, 60)


def sheet(records: Sequence[Record], captions: Sequence[tuple[str, str]], task: Task) -> np.ndarray:
    """RGB `(H, W, 3)` uint8: four in a row, and the colours of the classes below.

    Args:
        captions: of each record its share of foreground and its name, of which the end is shown.
    """
    tiles = [_tile(record, caption, task) for record, caption in zip(records, captions, strict=True)]
    while len(tiles) % _COLUMNS:
        tiles.append(np.full_like(tiles[0], _PAPER))
    rows = [np.concatenate(tiles[start : start + _COLUMNS], axis=1) for start in range(0, len(tiles), _COLUMNS)]
    return np.concatenate([*rows, _legend(rows[0].shape[1], task)])


def _tile(record: Record, caption: tuple[str, str], task: Task) -> np.ndarray:
    height, width = record.mask.shape
    scale = (_SIDE - 8) / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    image = cv2.resize(eight_bit(record.image), size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    mask = cv2.resize(record.mask, size, interpolation=cv2.INTER_NEAREST)
    tile = np.full((_SIDE + _LINE, _SIDE, 3), _PAPER, np.uint8)
    tile[4 : 4 + size[1], 4 : 4 + size[0]] = outlined(image, mask, colours_of(task), 2)
    share, name = caption
    shown = name if len(name) <= _LETTERS else f"...{name[3 - _LETTERS :]}"
    _write(tile, f"{share} {shown}", (4, _SIDE + 14), _INK)
    return tile


def _legend(width: int, task: Task) -> np.ndarray:
    line = np.full((2 * _LINE, width, 3), _PAPER, np.uint8)
    left = 8
    for index, name in enumerate(task.classes, 1):
        _write(line, name, (left, 28), task.colour(index))
        left += 24 + 9 * len(name)
    return line


def _write(picture: np.ndarray, text: str, place: tuple[int, int], colour: Sequence[int]) -> None:
    plain = text.encode("ascii", "replace").decode()
    cv2.putText(picture, plain, place, cv2.FONT_HERSHEY_SIMPLEX, 0.42, tuple(colour), 1, cv2.LINE_AA)
