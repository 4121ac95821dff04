"""Entries of records without faults, to plant faults in."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from components.data_gate.entries import Entry
from components.data_gate.settings import GateSettings
from components.example_gen.settings import DataSettings

ACCOUNT: dict[str, Any] = {
    "data_fingerprint": "0123456789abcdef",
    "sources": 12,
    "rejects": [],
    "left_out": [],
    "without_records": [],
    "lossy_masks": None,
    "stray_pixels": None,
    "empty_tiles_dropped": 0,
    "lesions_lost": {},
    "truth": {},
    "turns": {},
}
"""Twelve sources, all of them used."""

SETTINGS = GateSettings(min_groups=2, warm_start=False)
DATA = DataSettings(layout="folders", height=64, width=96)


def entry(number: int, split: str, **changes: Any) -> Entry:
    """A whole image of 64 x 96 pixels; two numbers in a row are one patient."""
    plain = Entry(
        id=f"case{number}",
        group=f"patient{number // 2}",
        source=f"images/case{number}.png",
        split=split,
        sha256=f"{number:064x}",
        derived_from="",
        label="",
        window=(0, 0, 64, 96),
        source_height=64,
        source_width=96,
        bit_depth=8,
        channels=1,
        classes=(0, 1),
        foreground=0.1,
        mean=0.3,
        std=0.1,
        signature=bytes([number % 256]) * 4,
    )
    return replace(plain, **changes)


CLEAN = [entry(number, ("train", "eval", "test")[number // 4]) for number in range(12)]
"""Two patients with two images each in every split."""
