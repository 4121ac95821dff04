"""The splits, and the rule that gives each group one of them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

SPLITS = ("train", "eval", "test")


def split_of(group: str, splits: Mapping[str, Any]) -> str:
    """The split of a group: SHA-256 of salt and group modulo the shares.

    It depends on nothing else, so a group stays where it is when data are added.
    """
    digest = hashlib.sha256(f"{splits['salt']}/{group}".encode()).digest()
    bucket = int.from_bytes(digest[:8], "big") % sum(splits[name] for name in SPLITS)
    for name in SPLITS:
        bucket -= splits[name]
        if bucket < 0:
            return name
    raise AssertionError("the shares cover every bucket")
