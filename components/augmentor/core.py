"""Changed copies of a record, each drawn from (seed, record id, copy number) alone."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from components.imaging.geometry import Affine
from components.record import Record


def with_copies(record: Record, settings: Mapping[str, Any]) -> Iterator[Record]:
    """The record itself, then `settings["copies"]` changed copies of it."""
    yield record
    for number in range(1, settings["copies"] + 1):
        affine = draw_affine(generator(settings["seed"], record.id, number), settings, record.image.shape[:2])
        yield record.derived(
            image=affine.image(record.image),
            mask=affine.mask(record.mask),
            id=f"{record.id}+{number}",
            transform={"kind": "affine", **asdict(affine)},
        )


def generator(seed: int, record_id: str, copy: int) -> np.random.Generator:
    """The random numbers of one copy: the same whatever the order, the worker or the machine."""
    digest = hashlib.sha256(f"{seed}/{copy}/{record_id}".encode()).digest()
    return np.random.default_rng(int.from_bytes(digest, "big"))


def draw_affine(rng: np.random.Generator, settings: Mapping[str, Any], shape: tuple[int, ...]) -> Affine:
    """One joint map for image and mask. Images that are not square turn by 180 degrees only."""
    turns = (1, 2, 3) if shape[0] == shape[1] else (2,)
    # Every number is drawn, used or not: a changed probability leaves the other draws as they were.
    flip_columns, flip_rows, turn = rng.random(3)
    quarter_turns = int(rng.choice(turns))
    degrees = float(rng.uniform(-1, 1)) * settings["max_rotation_degrees"]
    return Affine(
        flip_rows=bool(flip_rows < settings["vertical_flip"]),
        flip_columns=bool(flip_columns < settings["horizontal_flip"]),
        quarter_turns=quarter_turns if turn < settings["right_angle"] else 0,
        degrees=degrees,
    )
